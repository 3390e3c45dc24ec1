"""The released counts of trains equal those of an independent program, pair by pair.

The oracle is `data/rail/derived/gd_city_pair_daily.csv.gz` in the folder of originals, counted by
another script from the whole national file. Without that folder two known pairs are still checked.
"""

from __future__ import annotations

import csv
import gzip
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines import contract, lake
from pipelines.geography.divisions import read_divisions
from pipelines.rail import assets, stations
from pipelines.rail.transcribe import transcribe
from pipelines.settings import Settings
from pipelines.staleness import held_slices
from pipelines.transform import project

pytestmark = pytest.mark.slow

ROOT = Settings().root
DATES = (date(2024, 4, 17), date(2024, 5, 1))
# Maps and registries that the transcriber reads and nobody generates.
KEPT_BY_HAND = (
    "cities.csv", "left_out.csv", "listings.csv", "station_counties.csv", "timetables.csv",
)  # fmt: skip
Pairs = dict[tuple[date, str, str], tuple[int, int]]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The rail models and what they read, made by dbt in a warehouse of its own."""
    settings = Settings(warehouse=tmp_path_factory.mktemp("warehouse"))
    known = contract.load(settings.contract)

    def write(name: str, frame: pl.DataFrame) -> None:
        lake.write(settings.lake, known.table(name), "all", frame)

    write("division", read_divisions(settings.sources, lambda file: "snap")[0])
    assets.extract_network(settings)
    slices, _ = held_slices(settings)
    reports = assets.extract(settings, [s for s in slices if s.source == assets.SOURCE])
    assert [r.message() for report in reports.values() for r in report.rejects] == []
    project.target_path(settings).mkdir(parents=True)
    result = project._invoke(
        settings, ["build", "--select", "+rail_city_pair_day", "+rail_service_day"]
    )
    assert result.success, project._message(result)
    with duckdb.connect(str(project.build_database(settings)), read_only=True) as connection:
        yield connection


def pairs(connection: duckdb.DuckDBPyConnection) -> Pairs:
    rows = connection.execute(
        "select service_date, origin_name_zh, destination_name_zh, direct_trains, gdc_trains"
        " from rail_city_pair_day where place_level = 'prefecture'"
    ).fetchall()
    return {(d, a.removesuffix("市"), b.removesuffix("市")): (n, gdc) for d, a, b, n, gdc in rows}


def oracle(folder: Path) -> Pairs:
    path = folder / "data/rail/derived/gd_city_pair_daily.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as handle:
        rows: Iterator[dict[str, Any]] = csv.DictReader(handle)
        return {
            (date.fromisoformat(row["boarding_date"]), row["from_city"], row["to_city"]): (
                int(row["direct_trains"]),
                int(row["of_which_gdc"]),
            )
            for row in rows
            if row["boarding_date"] in {str(day) for day in DATES}
        }


def test_guangzhou_to_shenzhen(build: duckdb.DuckDBPyConnection) -> None:
    counted = pairs(build)
    assert [counted[day, "广州", "深圳"][0] for day in DATES] == [261, 299]


def test_the_two_days_and_their_trains(build: duckdb.DuckDBPyConnection) -> None:
    """Trains by start date: those of the nation and of Guangdong, as in SOURCES.md."""
    rows = build.execute(
        "select service_date, day_type, is_gap_day, trains, trains_touching_guangdong"
        " from rail_service_day order by service_date"
    ).fetchall()
    assert rows == [
        (DATES[0], "workday", False, 10178, 2079),
        (DATES[1], "public_holiday", False, 12239, 2392),
    ]


def test_shapes_that_must_hold(build: duckdb.DuckDBPyConnection) -> None:
    broken = build.execute(
        "select * from rail_city_pair_day where origin_code = destination_code"
        " or gdc_trains > direct_trains or direct_trains < 1"
        " or first_departure_minute not between 0 and last_departure_minute"
        " or last_departure_minute > 1439"
        " or fastest_minutes < 1 or median_minutes < fastest_minutes"
    ).fetchall()
    assert broken == []


def test_all_pairs_of_both_days_equal_the_oracle(
    build: duckdb.DuckDBPyConnection, originals: Path
) -> None:
    expected, counted = oracle(originals), pairs(build)
    assert {day for day, _, _ in expected} == set(DATES)
    differing = {
        key: (counted.get(key), expected.get(key))
        for key in counted.keys() | expected.keys()
        if counted.get(key) != expected.get(key)
    }
    assert differing == {}
    assert len(counted) == 625


def test_transcribing_again_gives_the_committed_bytes(originals: Path, tmp_path: Path) -> None:
    committed = Settings().sources
    (tmp_path / "geography").mkdir()
    shutil.copy(committed / "contract.yml", tmp_path)
    shutil.copy(committed / "geography" / "divisions.csv", tmp_path / "geography")
    (tmp_path / "rail").mkdir()
    for name in KEPT_BY_HAND:
        shutil.copy(committed / "rail" / name, tmp_path / "rail")
    transcribe(originals, tmp_path)

    def held(sources: Path) -> dict[str, bytes]:
        rail = sources / "rail"
        return {str(p.relative_to(rail)): p.read_bytes() for p in sorted(rail.rglob("*.csv"))}

    written, kept = held(tmp_path), held(committed)
    assert sorted(written) == sorted(kept)
    assert [name for name in kept if written[name] != kept[name]] == []


def test_a_station_has_one_city_in_all_tables() -> None:
    frame, _ = stations.read_stations(Settings().sources, lambda file: "snap")
    frame = frame.filter(pl.col("place_code").str.starts_with("44"))
    cities = frame.group_by("telecode").agg(pl.col("place_code").n_unique())
    assert cities.filter(pl.col("place_code") > 1).is_empty()

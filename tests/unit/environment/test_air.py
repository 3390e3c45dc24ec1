"""Daily records and standards: what a cell means, and what hostile ones turn into."""

from __future__ import annotations

import csv
import shutil
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import contract
from pipelines.archive.store import Snapshot
from pipelines.environment import air, cells, reference
from pipelines.errors import Reject
from pipelines.geography.divisions import read_aliases, read_divisions
from pipelines.settings import Settings

SOURCES = Settings().sources
CONTEXT = cells.read_context(
    SOURCES,
    read_divisions(SOURCES, lambda file: file)[0],
    read_aliases(SOURCES, lambda file: file)[0],
)
SLICE = "aqistudy_37cities_2013_2017--2016"
CELLS = {
    "document": "aqistudy_37cities_2013_2017", "edition": "2016", "locator": "L1",
    "place": "广州", "date": "2016-01-01", "aqi": "88", "grade": "良", "pm25": "65",
    "pm10": "93", "so2": "13", "co": "1.2", "no2": "58", "o3_8h": "65", "rank": "107",
    "source_kind": "mirror", "read_from": "f", "read_sha256": "0" * 12, "read_locator": "L1",
}  # fmt: skip


def extract(path: Path, *rows: dict[str, str]) -> tuple[pl.DataFrame, list[Reject]]:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, air.COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(CELLS | row for row in rows)
    held = Snapshot(
        "snap", "environment", "d", "2016", SLICE, "sources/2016.csv", "0" * 64, 1, "mirror", path
    )
    return air.air_rows([held], SLICE, CONTEXT)


# changed cells | PM10 that counts | what the day lacks
MISSING = [
    ({}, 93, None),
    ({"pm10": "0"}, None, "pm10=0"),
    ({"pm10": "1"}, None, "pm10=1"),
    ({"pm10": "1", "pm25": "1"}, 1, None),
    ({"pm10": "64"}, 64, None),
    ({"pm10": "—"}, None, "pm10=—"),
    ({"pm10": "&mdash;"}, None, "pm10=&mdash;"),
    ({"pm10": "-;"}, None, "pm10=-;"),
    ({"pm10": "NaN"}, None, "pm10=NaN"),
    ({"pm10": ""}, None, "pm10=blank"),
    ({"pm10": "9O"}, None, "pm10=9O"),
    ({"pm10": "-93"}, None, "pm10=-93"),
    ({"pm10": "93.0"}, 93, None),
    ({"o3_8h": "", "so2": "0.0"}, 93, "so2=0.0; o3_8h=blank"),
]


@pytest.mark.parametrize(("change", "pm10", "lacks"), MISSING, ids=[str(m[0]) for m in MISSING])
def test_a_missing_value_is_told_from_a_small_one(
    change: dict[str, str], pm10: int | None, lacks: str | None, tmp_path: Path
) -> None:
    frame, rejects = extract(tmp_path / "x.csv", change)
    row = frame.row(0, named=True)
    assert row["pm10_ugm3"] == (None if pm10 is None else Decimal(pm10))
    assert row["missing"] == lacks
    assert {reject.severity for reject in rejects} <= {"warning"}


def test_a_day_of_zeros_is_a_day_without_data_and_said_once(tmp_path: Path) -> None:
    zeros = dict.fromkeys(("aqi", "pm25", "pm10", "so2", "co", "no2", "o3_8h"), "0")
    frame, rejects = extract(tmp_path / "x.csv", zeros)
    row = frame.row(0, named=True)
    assert [row[name] for name in ("aqi_published", *air.CONCENTRATIONS.values())] == [None] * 9
    assert [(reject.locator, reject.severity) for reject in rejects] == [("L2:aqi", "warning")]


HOSTILE = [
    ({"place": "广卅"}, "place", "广州市"),
    ({"date": "2016-02-30"}, "date", ""),
    ({"date": "2016/1/1"}, "date", ""),
    ({"date": "2017-01-01"}, "date", ""),
    ({"source_kind": "x"}, "source_kind", ""),
]


@pytest.mark.parametrize(("change", "column", "candidate"), HOSTILE)
def test_a_bad_record_is_a_reject_and_its_neighbours_load(
    change: dict[str, str], column: str, candidate: str, tmp_path: Path
) -> None:
    frame, rejects = extract(tmp_path / "x.csv", {}, change, {"place": "珠海"})
    assert frame["place_code"].to_list()[::2] == ["440100", "440400"]
    (found,) = [reject for reject in rejects if reject.severity == "error"]
    assert found.locator == f"L3:{column}"
    assert candidate in found.candidates


def test_a_day_listed_twice_counts_once(tmp_path: Path) -> None:
    frame, rejects = extract(tmp_path / "x.csv", {}, {"aqi": "90", "locator": "L2"})
    assert frame["superseded_by"].null_count() == 1
    assert [reject.reason for reject in rejects] == ["the same cell is listed twice"]


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(sorted(CELLS)), st.text(max_size=12)))
def test_no_content_of_cells_crashes_the_reader(
    tmp_path_factory: pytest.TempPathFactory, cells_: dict[str, str]
) -> None:
    clean = {k: v.encode("utf-8", "ignore").decode() for k, v in cells_.items()}
    frame, _ = extract(tmp_path_factory.mktemp("air") / "x.csv", clean)
    table = contract.load(SOURCES / "contract.yml").table(air.TABLE)
    assert set(table.column_names) <= set(frame.columns)


# ------------------------------------------------------------------------------- standards

READERS = {
    "breakpoints.csv": (reference.read_breakpoints, "air_breakpoint"),
    "limits.csv": (reference.read_limits, "air_limit"),
}
BAD_STANDARDS = [
    ("breakpoints.csv", "HJ,daily,pm2.5,24h,ug/m3,50,35,2016-01-01,,,,", "unknown pollutant"),
    ("breakpoints.csv", "HJ,daily,pm25,24h,mg/m3,50,35,2016-01-01,,,,", "another unit"),
    ("breakpoints.csv", "HJ,daily,pm25,24h,ug/m3,501,35,2016-01-01,,,,", "no index value"),
    ("breakpoints.csv", "HJ,daily,pm25,24h,ug/m3,50,-35,2016-01-01,,,,", "is no number"),
    ("breakpoints.csv", "HJ,weekly,pm25,24h,ug/m3,50,35,2016-01-01,,,,", "unknown report"),
    ("breakpoints.csv", "HJ,daily,pm25,24h,ug/m3,50,35,2016-02-30,,,,", "start of validity"),
    ("breakpoints.csv", "HJ,daily,pm25", "does not fit the header"),
    ("limits.csv", "GB,class2,pm25,year,ug/m3,0,2016-01-01,,,,,", "must be positive"),
    ("limits.csv", "GB,class3,pm25,year,ug/m3,35,2016-01-01,,,,,", "unknown purpose"),
    ("limits.csv", "GB,class2,pm25,decade,ug/m3,35,2016-01-01,,,,,", "unknown averaging"),
    ("limits.csv", "GB,class2,pm25,year,ug/m3,35,2016-01-01,2015-01-01,,,,", "end of validity"),
]


@pytest.mark.parametrize(("name", "row", "reason"), BAD_STANDARDS)
def test_a_bad_row_of_a_standard_is_refused_alone(
    name: str, row: str, reason: str, tmp_path: Path
) -> None:
    read, table = READERS[name]
    before, none = read(SOURCES, lambda file: file)
    assert none == []
    assert before.select(contract.load(SOURCES / "contract.yml").table(table).key).is_unique().all()
    shutil.copytree(SOURCES / "environment", tmp_path / "environment")
    shutil.copy(SOURCES / "contract.yml", tmp_path)
    with (tmp_path / "environment" / name).open("a", encoding="utf-8") as handle:
        handle.write(row + "\n")
    frame, rejects = read(tmp_path, lambda file: file)
    assert frame.height == before.height
    assert [reason in reject.reason for reject in rejects] == [True]

"""Whole timetables against counts that other programs made of the same files.

The oracle (`data/rail/derived` of the originals) was counted by an independent script: every date
and pair of Guangdong in three windows, the trains of the nation by date. The other two windows are
counted again here by a plain loop over the text, for all city pairs of the nation on sampled dates.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from pipelines.archive.guards import inspect
from pipelines.archive.offers import HEAD_BYTES, Offer
from pipelines.archive.store import Snapshot
from pipelines.errors import LeftOut
from pipelines.rail import stations, whole
from pipelines.rail.calendar import running_days
from pipelines.rail.recognise import recognise
from pipelines.rail.timetable import ServiceDate
from pipelines.settings import Settings

pytestmark = pytest.mark.slow

SOURCES = Settings().sources
RAW = "data/rail/raw/gpx0214"
Window = Callable[[str], ServiceDate]


@pytest.fixture(scope="module")
def known() -> whole.Reference:
    def snapshot(file: str) -> str:
        return "snap"

    return whole.Reference(
        stations.read_stations(SOURCES, snapshot)[0],
        stations.read_cities(SOURCES, snapshot)[0],
        stations.read_day_types(SOURCES, snapshot)[0],
    )


def held(originals: Path) -> dict[str, list[Snapshot]]:
    """Timetable -> the files of it, told by their content under names that say nothing."""
    found: dict[str, list[Snapshot]] = {}
    for path in sorted((originals / RAW).iterdir()):
        media = inspect(originals / RAW, path)
        with path.open("rb") as handle:
            offer = Offer("some file", path, media, handle.read(HEAD_BYTES))
        try:
            claims = recognise(offer, SOURCES)
        except LeftOut:
            continue
        for claim in claims:
            found.setdefault(claim.document, []).append(
                Snapshot("snap", "rail", claim.document, claim.edition, "slice", path.name,
                         "0" * 64, 1, claim.source_kind, path, claim.reader)
            )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def window(originals: Path, known: whole.Reference) -> Window:
    files = held(originals)

    @cache
    def read(timetable: str) -> ServiceDate:
        snapshots = tuple(files[timetable])
        return whole.read_window("slice", snapshots, whole.registered(SOURCES, timetable), known)

    return read


def test_every_file_of_the_archive_is_told_by_its_dates(originals: Path) -> None:
    found = {name: sorted(s.reader for s in files) for name, files in held(originals).items()}
    assert found == {
        "cr_timetable_210625": ["time", "train"],
        "cr_timetable_220110": ["time", "train"],
        "cr_timetable_220620": ["time", "train"],
        "cr_timetable_240110": ["time", "train"],
        "cr_timetable_240410": ["cr"],
    }


ORACLE = [("cr_timetable_220620", 22), ("cr_timetable_240110", 64), ("cr_timetable_240410", 31)]


@pytest.mark.parametrize(("timetable", "dates"), ORACLE, ids=[name for name, _ in ORACLE])
def test_every_date_and_pair_of_guangdong_equals_the_oracle(
    timetable: str, dates: int, window: Window, originals: Path
) -> None:
    derived = originals / "data/rail/derived"
    names = pl.read_csv(derived / "gd_station_prefecture.csv").select("prefecture", "city_code")
    cities = stations.read_cities(SOURCES, lambda file: "snap")[0].with_columns(
        pl.col("city_code_12306").cast(pl.Int64).alias("city_code")
    )
    short = dict(
        names.unique().join(cities, on="city_code").select("place_code", "prefecture").rows()
    )
    tables = window(timetable).tables
    counted = (
        tables["rail_pair_day"]
        .filter(pl.col("place_level") == "prefecture")
        .select(
            pl.col("service_date").cast(pl.String).alias("day"),
            pl.col("origin_code").replace_strict(short).alias("from"),
            pl.col("destination_code").replace_strict(short).alias("to"),
            "direct_trains",
            "gdc_trains",
        )
    )
    assert counted["day"].n_unique() == dates
    oracle = pl.read_csv(derived / "gd_city_pair_daily.csv.gz").filter(
        pl.col("boarding_date").is_in(counted["day"].unique().implode())
    )
    expected = oracle.select(
        day="boarding_date", **{"from": "from_city", "to": "to_city"},
        direct_trains=pl.col("direct_trains").cast(pl.Int32),
        gdc_trains=pl.col("of_which_gdc").cast(pl.Int32),
    )  # fmt: skip
    order = ["day", "from", "to"]
    assert counted.sort(order).equals(expected.sort(order))
    matrix = pl.read_csv(derived / "nine_city_frequency_matrix.csv").filter(
        pl.col("boarding_date").is_in(counted["day"].unique().implode()),
        pl.col("direct_trains") > 0,
    )
    nine = matrix.join(
        counted, left_on=["boarding_date", "from_city", "to_city"], right_on=order, how="left"
    )
    assert nine.filter(
        (pl.col("direct_trains") != pl.col("direct_trains_right")).fill_null(True)
        | (pl.col("of_which_gdc") != pl.col("gdc_trains")).fill_null(True)
    ).is_empty()


@pytest.mark.parametrize(("timetable", "dates"), ORACLE, ids=[name for name, _ in ORACLE])
def test_the_trains_of_a_day_equal_the_oracle(
    timetable: str, dates: int, window: Window, originals: Path
) -> None:
    """Trains by start date, nation and Guangdong.

    The oracle counts the blocks of a file. In the archive of one file trains without stops have a
    block; in the older one they stand in the list of trains only, 22 of them in 2024-01. They are
    trains of their days, so we count them, and name them in trains_unreadable.
    """
    totals = pl.read_csv(originals / "data/rail/derived/area_train_totals_daily.csv")
    day = window(timetable).tables["rail_day"].with_columns(pl.col("service_date").cast(pl.String))
    is_one_file = timetable == "cr_timetable_240410"
    nation = pl.col("trains") if is_one_file else pl.col("trains") - pl.col("trains_unreadable")
    for area, ours in (
        ("全国", nation),
        ("广东", pl.col("trains_touching_guangdong")),
    ):
        both = day.join(
            totals.filter(pl.col("area") == area), left_on="service_date", right_on="start_date",
            suffix="_oracle",
        )  # fmt: skip
        assert both.height == dates
        assert both.filter(ours != pl.col("trains_oracle")).is_empty()


def test_gap_days_are_those_that_the_archive_is_known_for(window: Window) -> None:
    day = window("cr_timetable_240110").tables["rail_day"].filter("is_gap_day")
    assert [f"{d:%m-%d}" for d in day["service_date"]] == ["01-18", "01-23", "02-22"]
    assert window("cr_timetable_240410").tables["rail_day"].filter("is_gap_day").is_empty()


def test_no_station_of_guangdong_is_left_without_a_city(window: Window, originals: Path) -> None:
    listed = pl.read_csv(originals / "data/rail/derived/gd_station_prefecture.csv")
    ours = {*listed["telecode"], *listed["station"]}
    for timetable, _ in ORACLE:
        read = window(timetable)
        unmapped = {r.raw_text for r in read.rejects if "in no city" in r.reason}
        assert 300 < len(unmapped) < 400
        assert {"".join(name.split()) for name in unmapped}.isdisjoint(ours)
        assert {r.severity for r in read.rejects} == {"warning"}


# --------------------------------------------------------- the other windows, counted by a loop

SAMPLES = [("cr_timetable_210625", date(2021, 7, 15)), ("cr_timetable_210625", date(2021, 10, 1)),
           ("cr_timetable_220110", date(2022, 3, 1))]  # fmt: skip


@pytest.mark.parametrize(("timetable", "day"), SAMPLES, ids=[str(day) for _, day in SAMPLES])
def test_all_pairs_of_the_nation_equal_a_plain_loop(
    timetable: str, day: date, window: Window, known: whole.Reference, originals: Path
) -> None:
    covered = whole.registered(SOURCES, timetable)
    times = next(s for s in held(originals)[timetable] if s.reader == "time")
    text = gzip.decompress(times.path.read_bytes()).decode("utf-8-sig")
    trains: list[list[list[str]]] = []
    for line in text.split("\n"):
        cells = line.split(",") + [""] * 6
        if cells[1] == "" and cells[3] != "":
            trains.append([])
        if cells[0]:
            trains[-1].append(cells)
    raw = pl.Series([stop[0] for train in trains for stop in train])
    meaning = stations.resolve(raw, known.stations, covered.first, covered.last)
    place = dict(known.cities.select("city_code_12306", "place_code").rows())
    city = {r: place.get(c or "") for r, c in meaning.select("stop_raw", "city_code_12306").rows()}
    found: Counter[tuple[str, str]] = Counter()
    for train in trains:
        if len(train) == 1:
            continue  # 7275 of 2022-01 has one line and no time
        starts = running_days(train[0][5], covered)
        clock = int(train[0][2][:2]) * 60 + int(train[0][2][3:])
        calls = []
        for n, stop in enumerate(train):
            clock += int(stop[1]) if n else 0
            clock += int(stop[2]) if n and stop[2].isdigit() else 0
            calls.append((city[stop[0]], clock))
        linked = set()
        for n, (here, left) in enumerate(calls[:-1]):
            if here and day - timedelta(days=left // 1440) in starts:
                linked |= {(here, there) for there, _ in calls[n + 1 :] if there and there != here}
        found.update(linked)
    counted = (
        window(timetable)
        .tables["rail_city_pair_day_national"]
        .filter(pl.col("service_date") == day)
    )
    rows = counted.select("origin_code", "destination_code", "direct_trains").rows()
    assert {(a, b): n for a, b, n in rows} == dict(found)

"""The counting rule of the railway: a small timetable and its counts, then any timetable against
an evaluation train by train and day by day."""

from __future__ import annotations

from datetime import date, timedelta
from statistics import median
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import LayoutDrift
from pipelines.rail import calendar, cr, pairs
from pipelines.rail.calendar import Window

WINDOW = Window(date(2024, 4, 15), date(2024, 4, 15), date(2024, 4, 18))
CITY = {
    "GZQ": "广州", "IZQ": "广州", "SZQ": "深圳", "IOQ": "深圳", "DGQ": "东莞", "SNQ": "韶关",
}  # fmt: skip

# How to read it: train_no, code, running days (nothing: every day); then station, minutes since the
# departure before, minutes of the stop. The first stop has the time of departure.
TIMETABLE = """\
650000C00010,C1
GZQ,,08:00
DGQ,30,2
SZQ,28

650000K00020,K2,240415
GZQ,,23:30
SNQ,40,5
SZQ,105

650000Z00030,Z3
GZQ,,23:30
SNQ,40,5
SZQ,105

65000D751540,D7515/D7514,240416
DGQ,,10:00
SZQ,45

650000G00050,G5,240417
GZQ,,12:00
IZQ,10,4
IOQ,36,2
SZQ,18

650000C00060,C6
GZQ,,08:00
IZQ,20

650000T00070,T7
GZQ,,23:50
IZQ,20,5
SZQ,60
"""

# from | to | date | trains | G, D, C | first | last | fastest | median | what it shows
SPEC = [
    ("广州", "东莞", 15, 1, 1, "08:00", "08:00", 30, 30, "a plain train"),
    ("东莞", "深圳", 15, 1, 1, "08:32", "08:32", 28, 28, "a stop on the way is a departure"),
    ("东莞", "深圳", 16, 2, 2, "08:32", "10:00", 28, 36.5, "a train of two codes is one train"),
    ("广州", "韶关", 15, 2, 0, "23:30", "23:30", 40, 40, "two trains of one time are two"),
    ("韶关", "深圳", 15, 0, 0, "", "", 0, 0, "what left before the window is unknown to it"),
    ("韶关", "深圳", 16, 2, 0, "00:15", "00:15", 105, 105, "they call after midnight: next day"),
    ("韶关", "深圳", 17, 1, 0, "00:15", "00:15", 105, 105, "K2 ran on the 15th only"),
    ("广州", "深圳", 15, 4, 1, "08:00", "23:50", 60, 117.5, "each train by its best ride"),
    ("广州", "深圳", 17, 4, 2, "00:15", "23:50", 36, 60,
     "G5 serves two stations of each city and is one train, from the last of the one to the first "
     "of the other; T7 can be boarded in 广州 on two of its runs and is one train"),
    ("广州", "广州", 15, 0, 0, "", "", 0, 0, "a city has no pair with itself"),
    ("深圳", "广州", 15, 0, 0, "", "", 0, 0, "the way back is another pair"),
]  # fmt: skip


def counted(text: str, window: Window = WINDOW, **options: bool) -> pairs.Counted:
    read = cr.read(text)
    masks = [calendar.running_mask(c, window) for c in read.trains["calendar"]]
    trains = read.trains.with_columns(is_gdc=pl.col("code").str.slice(0, 1).is_in(["G", "D", "C"]))
    stops = read.stops.with_columns(
        place_code=pl.col("stop_raw").replace_strict(CITY), station="stop_raw"
    )
    return pairs.count(stops, trains, calendar.day_matrix(masks, window), window, **options)


@pytest.mark.parametrize("row", SPEC, ids=[row[-1][:40] for row in SPEC])
def test_a_train_counts_once_per_pair_and_date(row: tuple[Any, ...]) -> None:
    origin, destination, day, trains, gdc, first, last, fastest, middle, _ = row
    found = counted(TIMETABLE).frame.filter(
        pl.col("origin_code") == origin,
        pl.col("destination_code") == destination,
        pl.col("service_date") == date(2024, 4, day),
    )
    if not trains:
        assert found.is_empty()
        return
    only = found.row(0, named=True)
    ends = (only["first_departure_minute"], only["last_departure_minute"])
    assert (only["direct_trains"], only["gdc_trains"]) == (trains, gdc)
    assert [f"{minute // 60:02}:{minute % 60:02}" for minute in ends] == [first, last]
    assert (only["fastest_minutes"], only["median_minutes"]) == (fastest, middle)


def test_the_stations_used_are_those_of_the_date() -> None:
    found = counted(TIMETABLE, with_bits=True)
    names = found.frame.select("service_date", "origin_code", "destination_code", "origin_stations")
    names = names.with_columns(
        found.station_names("origin").alias("from"), found.station_names("destination").alias("to")
    ).filter(pl.col("origin_code") == "广州", pl.col("destination_code") == "深圳")
    assert [(d.day, n, a, b) for d, _, _, n, a, b in names.rows()] == [
        (15, 1, "GZQ", "SZQ"),
        (16, 2, "GZQ;IZQ", "SZQ"),
        (17, 2, "GZQ;IZQ", "IOQ;SZQ"),
        (18, 2, "GZQ;IZQ", "SZQ"),
    ]


def test_trains_boarded_in_a_province_count_once() -> None:
    read = cr.read(TIMETABLE)
    masks = [calendar.running_mask(c, WINDOW) for c in read.trains["calendar"]]
    runs = calendar.day_matrix(masks, WINDOW)
    # 15th: C1 K2 Z3 C6 T7. 16th: yesterday's K2, and C1 Z3 D7515 C6 T7.
    assert pairs.boarding(read.stops, read.trains, runs).tolist() == [5, 6, 5, 4]


def test_a_place_of_too_many_stations_is_said_by_name() -> None:
    stops = pl.DataFrame({"place_code": ["广州"] * 64, "station": [f"S{n}" for n in range(64)]})
    with pytest.raises(LayoutDrift, match="广州 has more than 63"):
        pairs._numbered(stops)


# ------------------------------------------------------------------ against a naive evaluator


def naive(text: str, window: Window) -> dict[tuple[date, str, str], tuple[Any, ...]]:
    """The rule as a sentence: for each date and train, look at every run and every two stops."""
    read = cr.read(text)
    found: dict[tuple[date, str, str], list[tuple[int, int, int, bool]]] = {}
    for train in read.trains.iter_rows(named=True):
        starts = calendar.running_days(train["calendar"], window)
        stops = read.stops.filter(pl.col("block") == train["block"]).rows(named=True)
        for day in window.days():
            rides: dict[tuple[str, str], list[tuple[int, int]]] = {}
            for n, here in enumerate(stops[:-1]):
                clock = here["origin_minute"] + here["depart_minutes"]
                if day - timedelta(days=clock // 1440) not in starts:
                    continue
                for there in stops[n + 1 :]:
                    pair = (CITY[here["stop_raw"]], CITY[there["stop_raw"]])
                    if pair[0] != pair[1]:
                        minutes = there["arrive_minutes"] - here["depart_minutes"]
                        rides.setdefault(pair, []).append((clock % 1440, minutes))
            for pair, times in rides.items():
                first, last = min(t for t, _ in times), max(t for t, _ in times)
                best = min(m for _, m in times)
                is_gdc = train["code"][0] in "GDC"
                found.setdefault((day, *pair), []).append((first, last, best, is_gdc))
    return {
        key: (
            len(trains), sum(t[3] for t in trains), min(t[0] for t in trains),
            max(t[1] for t in trains), min(t[2] for t in trains), median(t[2] for t in trains),
        )
        for key, trains in found.items()
    }  # fmt: skip


@st.composite
def _timetables(draw: st.DrawFn) -> str:
    blocks = []
    for number in range(draw(st.integers(1, 5))):
        heads = draw(st.integers(1, 2))
        calendars = st.sampled_from(["", "240415", "240416-17", "!240416", "w3", "单", "b011"])
        lines = [
            f"65000{number}0{head}C0A0,{draw(st.sampled_from(('G1', 'K1')))},{draw(calendars)}"
            for head in range(heads)
        ]
        route = draw(st.lists(st.sampled_from(sorted(CITY)), min_size=2, max_size=6))
        start = draw(st.sampled_from(["00:10", "12:00", "23:40"]))
        lines.append(f"{route[0]},,{start}")
        stays = st.integers(1, 900)
        for stop in route[1:-1]:
            lines.append(f"{stop},{draw(stays)},{draw(st.integers(1, 600))}")
        lines.append(f"{route[-1]},{draw(stays)}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


@settings(max_examples=60, deadline=None)
@given(_timetables(), st.sampled_from([1, 4, 10]))
def test_any_timetable_agrees_with_an_evaluation_train_by_train(text: str, days: int) -> None:
    window = Window(WINDOW.base, WINDOW.first, WINDOW.first + timedelta(days=days - 1))
    frame = counted(text, window).frame.drop("origin_stations", "destination_stations")
    assert {(d, a, b): tuple(rest) for d, a, b, *rest in frame.rows()} == naive(text, window)
    keys = frame.select("service_date", "origin_code", "destination_code").rows()
    assert keys == sorted(keys)


def test_gaps_are_days_that_daily_trains_skip() -> None:
    from pipelines.rail.whole import single_gaps

    runs = np.ones((4, 20), dtype=bool)
    runs[0, 7] = False  # daily but for one day: a gap
    runs[1, [7, 9]] = False  # two days: a plan
    runs[2, :10] = False  # from the 11th day on: a season, too short to tell
    runs[3, 0] = False  # from the second day on: a season
    assert np.flatnonzero(single_gaps(runs)).tolist() == [7]

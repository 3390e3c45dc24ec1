"""The older archive of two files: a train as a person reads it, and files that do not fit."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rail import cr, twin

TIMES = """\
LZJ,,17:52,Y667,,220408-20|26-0512
ZYJ,336,6
JGJ,126,9,,1,220409
DHJ,247
GZQ,,23:20,Z99,,
SHH,70
"""
TRAINS = """\
850000Y667C0,LZJ,DHJ,Y667,4,,220408-20|26-0512
6500000Z9900,GZQ,SHH,Z100,2
"""


def test_two_files_read_as_journeys() -> None:
    found = twin.read(TIMES, TRAINS)
    assert found.flaws.is_empty()
    # The train_no says Z99, the list Z100: a train that changes its number on the way.
    assert found.trains.select("train_no", "code", "calendar", "line").rows() == [
        ("850000Y667C0", "Y667", "220408-20|26-0512", 1),
        ("6500000Z9900", "Z99/Z100", "", 2),
    ]
    stops = found.stops.join(found.trains.select("block", "train_no"), on="block").sort("line")
    assert stops.select("train_no", "stop_raw", "arrive_minutes", "depart_minutes").rows() == [
        ("850000Y667C0", "LZJ", None, 0),
        ("850000Y667C0", "ZYJ", 336, 342),
        ("850000Y667C0", "JGJ", 468, 477),
        ("850000Y667C0", "DHJ", 724, None),
        ("6500000Z9900", "GZQ", None, 0),
        ("6500000Z9900", "SHH", 70, None),
    ]


def test_a_train_without_stops_stays_a_train_of_its_days() -> None:
    found = twin.read(TIMES, TRAINS + "650000G77001,GZQ,SZQ,G77,3,,220410\n")
    assert found.trains.height == 3
    alone = found.trains.join(found.stops, on="block", how="anti")
    assert alone.select("train_no", "calendar").rows() == [("650000G77001", "220410")]


# what is changed in the list of trains | train_no whose stops are found all the same
LATER = [
    (("Z100,2", "Z100,3"), "the list was written when the train had another stop"),
    (("GZQ,SHH", "JQO,SHH"), "or another end"),
    (("0000Z9900", "000K99900"), "or another number"),
]


@pytest.mark.parametrize(("change", "why"), LATER, ids=[row[1] for row in LATER])
def test_files_of_different_days_still_fit(change: tuple[str, str], why: str) -> None:
    listed = TRAINS.replace(*change)
    found = twin.read(TIMES, listed if "K999" not in listed else listed.replace("Z100", "Z99"))
    assert found.stops["block"].n_unique() == 2


def test_trains_alike_in_everything_take_nobodys_stops() -> None:
    found = twin.read(TIMES, TRAINS + "6500000Z9901,GZQ,SHH,Z100,2\n")
    assert found.stops["block"].n_unique() == 1
    assert found.flaws.select("file", "line", "reason").rows() == [
        ("time", 5, "stops of a train that the list of trains does not name once")
    ]


# file | the line that is added | the reason
HOSTILE = [
    ("time", "GZQ,,08:00,G1\nSZQ,x", "no number"),
    ("time", "GZQ,,08:00,G1", "one stop only"),
    ("time", "GZQ,,08:00,G1\nDGQ,9\nSZQ,9", "no departure"),
    ("time", "GZQ,,08:00,G1\nSZQ,9,1,,1,2,3", "at most six cells"),
    ("time", "GZQ,,08:00,G1\nDGQ,9,1,G2\nSZQ,9", "in the middle"),
    ("train", "65000,GZQ,SHH,Z1,2", "not a train number"),
    ("train", "6500000Z9900,GZQ,SHH,Z100,2", "listed twice"),
    ("train", "6500000Z9950,GZQ,SHH,Z100,many", "not a count"),
    ("train", "6500000Z9950,GZQ,SHH", "no ends or no code"),
]


@pytest.mark.parametrize(("file", "text", "reason"), HOSTILE)
def test_a_bad_line_is_a_flaw_with_its_place(file: str, text: str, reason: str) -> None:
    times, trains = (TIMES + text, TRAINS) if file == "time" else (TIMES, f"{TRAINS}{text}\n")
    found = twin.read(times, trains)
    assert [(f, reason in r) for f, r in found.flaws.select("file", "reason").rows()] == [
        (file, True)
    ]
    assert found.stops["block"].n_unique() == 2


@settings(deadline=None)
@given(st.text(alphabet='GZQ65K,:0123\n 佛\x00\r"', max_size=200), st.booleans())
def test_no_text_stops_the_reading_and_no_line_is_lost(text: str, is_list: bool) -> None:
    """A line is a train, a stop, or a flaw: in the file of stops one of its block's."""
    times, trains = (TIMES, text) if is_list else (text, TRAINS)
    found = twin.read(times, trains)
    flaws = {file: found.flaws.filter(pl.col("file") == file) for file in ("time", "train")}
    bad = set(flaws["time"]["block"])
    assert bad.isdisjoint(found.stops["block"])
    lists = set(cr.cells(trains, 1)["line"])
    assert lists == {*found.trains["line"], *flaws["train"]["line"]}
    begins = (pl.col("c1") == "") & (pl.col("c3") != "")
    lines = cr.cells(times, 6).with_columns(run=begins.cum_sum()).select("line", "run").rows()
    read = set(found.stops["line"])
    assert [line for line, run in lines if line not in read and run not in bad] == []

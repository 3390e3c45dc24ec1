"""The archive format: a block as a person reads it, and lines that are not what they should be."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.rail import cr, whole
from pipelines.rail.calendar import Window

NIGHT = """\ufeff650000K123A0,K123,240410-16,0
650000K123B0,K123,240417
GZQ,,23:20
佛山  西,30,4
SGQ,60,00:54
SZQ,70
"""


def test_a_block_reads_as_a_journey() -> None:
    found = cr.read(NIGHT)
    assert found.trains.select("train_no", "code", "calendar").rows() == [
        ("650000K123A0", "K123", "240410-16"),
        ("650000K123B0", "K123", "240417"),
    ]
    # 23:20 | 23:50 to 23:54 | 00:54, no minute of stay | 02:04
    columns = ("stop_raw", "arrive_minutes", "depart_minutes", "line")
    assert found.stops.select(columns).rows() == [
        ("GZQ", None, 0, 3),
        ("佛山  西", 30, 34, 4),
        ("SGQ", 94, 94, 5),
        ("SZQ", 164, None, 6),
    ]
    assert set(found.stops["origin_minute"]) == {23 * 60 + 20}
    assert found.flaws.is_empty()


# the block of one train | why it is left out
HOSTILE = [
    ("QNS", "one stop only"),
    ("GZQ,,24:00\nSZQ,9", "no time of departure"),
    ("GZQ\nSZQ,9", "no time of departure"),
    ("GZQ,,08:00\nDGQ,x,1\nSZQ,9", "no number"),
    ("GZQ,,08:00\nDGQ,-5,1\nSZQ,9", "no number"),
    ("GZQ,,08:00\nDGQ,9\nSZQ,9", "no departure"),
    ("GZQ,,08:00\nDGQ,9,8:9\nSZQ,9", "neither minutes nor a time"),
    ("GZQ,,08:00\nDGQ,9,08:10\nSZQ,9", "does not follow"),
    ("GZQ,,08:00\n,9,1\nSZQ,9", "no station"),
    ("GZQ,,08:00\nDGQ,9,1,1,1\nSZQ,9", "at most three cells"),
]


@pytest.mark.parametrize(("block", "reason"), HOSTILE)
def test_a_bad_block_is_left_out_whole_and_its_neighbour_stays(block: str, reason: str) -> None:
    found = cr.read(f"650000K123A0,K123\n{block}\n\n650000K124A0,K124\nGZQ,,08:00\nSZQ,60\n")
    assert found.stops.height == 2
    assert [reason in text for text in found.flaws["reason"]] == [True]


def test_stops_without_a_train_are_a_flaw() -> None:
    assert cr.read("GZQ,,08:00\nSZQ,60\n").flaws["reason"].to_list() == ["stops without a train"]


@given(st.text(alphabet='GZQ65K,:0123\n 佛\x00\r"', max_size=200))
@example("650000C00010,C1\nGZQ,,08:00\nDGQ,x\n\n650000C00010,C1\n\nGZQ,,08:00\n")
def test_no_text_stops_the_reading_and_no_line_is_lost(text: str) -> None:
    """A line is a train, a stop, or one of a block whose flaw is named."""
    found = cr.read(text)
    bad = set(found.flaws["block"])
    assert bad.isdisjoint(found.stops["block"])
    read = {*found.trains["line"], *found.stops["line"]}
    lines = cr.cells(text, 1).select("line", "block").rows()
    assert [line for line, block in lines if line not in read and block not in bad] == []


def test_a_train_no_that_comes_again_is_named() -> None:
    block = "650000C00010,C1\nGZQ,,08:00\nSZQ,60\n"
    trains = cr.read(f"{block}\n{block}").trains
    window = Window(date(2024, 4, 15), date(2024, 4, 15), date(2024, 4, 18))
    good, runs, bad = whole.running(trains, window)
    assert (good.height, runs.sum()) == (1, 4)
    assert bad.select("line", "reason").rows() == [(5, "the train is listed twice")]

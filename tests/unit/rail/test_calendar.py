"""Running days: the forms of the archive as a table, and any form against a naive evaluator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import LayoutDrift
from pipelines.rail.calendar import (
    Window,
    day_matrix,
    readable_masks,
    running_days,
    running_mask,
)

WINDOW = Window(date(2024, 4, 10), date(2024, 4, 10), date(2024, 5, 10))
DAYS = WINDOW.days()


def days(*spans: str) -> set[date]:
    """`0417` or `0417-0420` of 2024."""
    found = set()
    for span in spans:
        first, _, last = span.partition("-")
        for day in DAYS:
            if first <= f"{day:%m%d}" <= (last or first):
                found.add(day)
    return found


# expression | days it runs | what it shows
SPEC = [
    ("", days("0410-0510"), "every day of the window"),
    ("240410-16", days("0410-0416"), "a range whose end keeps year and month"),
    ("240428-0502", days("0428-0502"), "a range over the end of a month"),
    ("240417", days("0417"), "one day"),
    ("20240417", days("0417"), "a full year"),
    ("240411|20|29", days("0411", "0420", "0429"), "single days, each keeping what stood before"),
    ("240410-12|0505", days("0410-0412", "0505"), "after a range its end is what stood before"),
    ("240401-0411", days("0410-0411"), "only the window counts"),
    ("!240417|0505", set(DAYS) - days("0417", "0505"), "all days but these"),
    ("停240417", set(DAYS) - days("0417"), "the older sign for it"),
    ("w15", {d for d in DAYS if d.isoweekday() in (1, 5)}, "Mondays and Fridays"),
    ("w671&240410-28", {d for d in DAYS if d.isoweekday() in (6, 7, 1)} & days("0410-0428"),
     "weekdays within a range"),
    ("双", {DAYS[n] for n in range(0, 31, 2)}, "the base date is even"),
    ("单&240410-12", {DAYS[1]}, "odd days within a range"),
    ("b01111", {d for n, d in enumerate(DAYS) if n % 5 != 4}, "four days of five, base first"),
    ("b110&240410-15", {DAYS[1], DAYS[2], DAYS[4], DAYS[5]}, "the last digit is the base date"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected", "shows"), SPEC, ids=[s[2] for s in SPEC])
def test_running_days(expression: str, expected: set[date], shows: str) -> None:
    assert running_days(expression, WINDOW) == expected


@pytest.mark.parametrize(
    "expression",
    ["w8", "w", "b", "b12", "2404", "240431", "240416-10", "x", "!", "!!240417", "&", "240410&",
     "240410-", "-240410", "|", "24041O", "每日", "240410-16|", "単", "٢٤٠٤١٠"],
)  # fmt: skip
def test_an_unknown_form_is_refused_by_name(expression: str) -> None:
    with pytest.raises(LayoutDrift, match=r"expected .* found"):
        running_days(expression, WINDOW)


def test_an_expression_that_cannot_be_read_has_no_days() -> None:
    masks = readable_masks(pl.Series(["", "240411", "w8", ""]), WINDOW)
    assert masks == {"": (1 << 31) - 1, "240411": 2}


@given(st.lists(st.text(alphabet="01", min_size=31, max_size=31), min_size=1, max_size=5))
def test_the_matrix_has_a_column_for_every_day(rows: list[str]) -> None:
    masks = [int(row[::-1], 2) for row in rows]
    assert day_matrix(masks, WINDOW).tolist() == [[c == "1" for c in row] for row in rows]


@given(st.text(alphabet="0123456789-|&!wb单双停 x", max_size=24))
def test_no_text_does_anything_but_answer_or_refuse(expression: str) -> None:
    try:
        found = running_days(expression, WINDOW)
    except LayoutDrift:
        return
    assert found <= set(DAYS)


# ------------------------------------------------------------------ against a naive evaluator

_in_window = st.sampled_from(DAYS)
_span = st.tuples(_in_window, st.integers(0, 40)).map(
    lambda pair: (pair[0], pair[0] + timedelta(days=pair[1]))
)


def _written(day: date, before: date | None, short: bool) -> str:
    """A date as the archive writes it: without the leading digits it shares with the one before."""
    if before is None or not short or before.year != day.year:
        return f"{day:%y%m%d}"
    return f"{day:%d}" if before.month == day.month else f"{day:%m%d}"


@st.composite
def _ranges(draw: st.DrawFn) -> tuple[str, list[tuple[date, date]]]:
    spans = draw(st.lists(_span, min_size=1, max_size=4))
    short = draw(st.booleans())
    parts, before = [], None
    for first, last in spans:
        text = _written(first, before, short)
        if last != first:
            text += "-" + _written(last, first, short)
        parts.append(text)
        before = last
    return "|".join(parts), spans


_Meaning = Callable[[date, Window], bool]


def _listed(spans: list[tuple[date, date]], sign: str) -> _Meaning:
    return lambda day, _: any(a <= day <= b for a, b in spans) != (sign != "")


def _weekdays(digits: list[int]) -> tuple[str, _Meaning]:
    return f"w{''.join(map(str, digits))}", lambda day, _: day.isoweekday() in digits


def _cycle(digits: str) -> tuple[str, _Meaning]:
    def runs(day: date, window: Window) -> bool:
        return digits[len(digits) - 1 - (day - window.base).days % len(digits)] == "1"

    return f"b{digits}", runs


def _parity(sign: str) -> tuple[str, _Meaning]:
    return sign, lambda day, window: (day - window.base).days % 2 == (1 if sign == "单" else 0)


# A term as the archive writes it, and what it means on one day.
_terms = st.one_of(
    st.tuples(_ranges(), st.sampled_from(["", "!", "停"])).map(
        lambda drawn: (drawn[1] + drawn[0][0], _listed(drawn[0][1], drawn[1]))
    ),
    st.lists(st.integers(1, 7), min_size=1, max_size=7).map(_weekdays),
    st.text(alphabet="01", min_size=1, max_size=9).map(_cycle),
    st.sampled_from("单双").map(_parity),
)


@given(st.lists(_terms, min_size=1, max_size=4), st.integers(0, 9))
def test_every_day_agrees_with_an_evaluation_day_by_day(
    terms: list[tuple[str, _Meaning]], late: int
) -> None:
    """Any combination of terms, also in a window that begins after the base date."""
    window = Window(WINDOW.base, WINDOW.first + timedelta(days=late), WINDOW.last)
    expression = "&".join(text for text, _ in terms)
    expected = {day for day in window.days() if all(runs(day, window) for _, runs in terms)}
    assert running_days(expression, window) == expected
    assert running_mask(expression, window).bit_count() == len(expected)

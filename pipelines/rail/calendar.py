"""The running days of a train, as the timetable archives write them.

Belongs here: the date expressions of the timetable files (see `sources/rail/README.md`). Not here:
what kind of day a date is (`sources/rail/day_types.csv`), or when a train is where (timetable).

An expression is one or more terms joined by `&`, and a train runs when all of them hold:

    ""               every day of the window
    240410-16|0501   ranges; a shorter date keeps the leading digits of the date before it
    !240823  停240823 all days of the window except these
    w567             these ISO weekdays (1 Monday .. 7 Sunday)
    单  双           an odd, an even number of days since the base date (which itself is even)
    b01111           a cycle as long as its digits, read right to left from the base date

A set of days is a whole number whose bit n stands for day n of the window: a window of 123 days and
3,300 expressions is then a matter of milliseconds (`benchmarks/bench_rail.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import polars as pl

from pipelines.errors import LayoutDrift

_DAY = timedelta(days=1)
# A date is a gap day when so large a share of its trains skips it alone of their season: 1,223 of
# 10,288 on 2024-08-23, when a crawl failed, 60 to 100 on three days of 2024-01 and 02 that lack as
# many, 50 of 10,385 on the first day of the year of the dragon, 10 on a sound day.
GAP_SHARE = 0.005
_DATE = re.compile(r"(?:[0-9]{2}){1,3}")


@dataclass(frozen=True)
class Window:
    """The dates a timetable file covers. base: its first day, from which cycles are counted."""

    base: date
    first: date
    last: date

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def days(self) -> list[date]:
        return [self.first + n * _DAY for n in range(len(self))]


def _bad(expression: str, found: str, expected: str) -> LayoutDrift:
    return LayoutDrift(
        f"running days {expression!r}: expected {expected}, found {found!r}; "
        "add the form to pipelines/rail/calendar.py if the archive now writes it"
    )


def _date(text: str, before: str, expression: str) -> str:
    """Six digits YYMMDD; a shorter date takes its leading digits from the one before it."""
    digits = text[2:] if len(text) == 8 and text.startswith("20") else text
    # Ⅷ and ８ are digits to Python, so the pattern names its ten.
    if not _DATE.fullmatch(digits) or len(before) + len(digits) < 6:
        raise _bad(expression, text, "a date like 240410, 0410 or 10")
    return before[: 6 - len(digits)] + digits


def _as_date(digits: str, expression: str) -> date:
    try:
        return date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        raise _bad(expression, digits, "a day of the calendar") from None


def _every(window: Window) -> int:
    return (1 << len(window)) - 1


def _ranges(text: str, window: Window, expression: str) -> int:
    days = 0
    before = ""
    for part in text.split("|"):
        start, dash, end = part.partition("-")
        before = _date(start, before, expression)
        first = last = _as_date(before, expression)
        if dash:
            before = _date(end, before, expression)
            last = _as_date(before, expression)
        if last < first:
            raise _bad(expression, part, "a range that ends no earlier than it starts")
        # Years of a damaged range must not cost years of days: only the window counts.
        low, high = (max(first, window.first) - window.first).days, (last - window.first).days
        if low <= high and low < len(window):
            days |= ((1 << (min(high, len(window) - 1) + 1)) - 1) >> low << low
    return days


def _cycle(pattern: list[bool], window: Window) -> int:
    """The days on which a cycle that starts on the base date holds."""
    offset = (window.first - window.base).days
    length = len(pattern)
    return sum(1 << n for n in range(len(window)) if pattern[(offset + n) % length])


def _term(term: str, window: Window, expression: str) -> int:
    if term == "":
        return _every(window)
    if term[0] in "!停":
        return _every(window) & ~_ranges(term[1:], window, expression)
    if re.fullmatch(r"w[1-7]+", term):
        monday = window.base - (window.base.isoweekday() - 1) * _DAY
        week = Window(monday, window.first, window.last)
        return _cycle([str(day) in term for day in range(1, 8)], week)
    if term in {"单", "双"}:
        return _cycle([term == "双", term == "单"], window)
    if re.fullmatch(r"b[01]+", term):
        return _cycle([digit == "1" for digit in term[:0:-1]], window)
    if term[0] in "0123456789":
        return _ranges(term, window, expression)
    raise _bad(expression, term, "dates, !dates, w, 单, 双 or b")


@lru_cache(maxsize=65536)
def running_mask(expression: str, window: Window) -> int:
    """The days of the window on which a train with this expression starts; bit n is day n.

    LayoutDrift: the expression is none of the known forms.
    """
    terms = expression.split("&") if expression else [""]
    if len(terms) > 1 and "" in terms:
        raise _bad(expression, expression, "a term on both sides of &")
    mask = _every(window)
    for term in terms:
        mask &= _term(term, window, expression)
    return mask


def running_days(expression: str, window: Window) -> frozenset[date]:
    """`running_mask` as dates."""
    mask = running_mask(expression, window)
    return frozenset(day for n, day in enumerate(window.days()) if mask >> n & 1)


def readable_masks(expressions: pl.Series, window: Window) -> dict[str, int]:
    """expression -> mask for every distinct expression that can be read.

    Each distinct expression is read once: 22,160 trains of 2021 share 3,300 of them.
    """
    masks: dict[str, int] = {}
    for expression in expressions.unique():
        try:
            masks[expression] = running_mask(expression, window)
        except LayoutDrift:
            continue
    return masks


def day_matrix(masks: list[int], window: Window) -> np.ndarray:
    """One row per mask, one column per day of the window, True where the train starts."""
    width = (len(window) + 7) // 8
    packed = np.frombuffer(b"".join(m.to_bytes(width, "little") for m in masks), dtype=np.uint8)
    bits = np.unpackbits(packed.reshape(len(masks), width), axis=1, bitorder="little")
    return bits[:, : len(window)].astype(bool)

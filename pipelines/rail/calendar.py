"""The running days of a train, as the timetable archive writes them.

Belongs here: the date expressions of `cr<YYMMDD>.min.csv` (see `sources/rail/README.md`). Not here:
what kind of day a date is (`sources/rail/day_types.csv`), or when a train is where (timetable).

An expression is one or more terms joined by `&`, and a train runs when all of them hold:

    ""               every day of the window
    240410-16|0501   ranges; a shorter date keeps the leading digits of the date before it
    !240823  停240823 all days of the window except these
    w567             these ISO weekdays (1 Monday .. 7 Sunday)
    单  双           an odd, an even number of days since the base date (which itself is even)
    b01111           a cycle as long as its digits, read right to left from the base date
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import polars as pl

from pipelines.errors import LayoutDrift

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """The dates a timetable file covers. base: its first day, from which cycles are counted."""

    base: date
    first: date
    last: date

    def days(self) -> list[date]:
        return [self.first + n * _DAY for n in range((self.last - self.first).days + 1)]


def _bad(expression: str, found: str, expected: str) -> LayoutDrift:
    return LayoutDrift(
        f"running days {expression!r}: expected {expected}, found {found!r}; "
        "add the form to pipelines/rail/calendar.py if the archive now writes it"
    )


def _date(text: str, before: str, expression: str) -> str:
    """Six digits YYMMDD; a shorter date takes its leading digits from the one before it."""
    digits = text[2:] if len(text) == 8 and text.startswith("20") else text
    if not re.fullmatch(r"(?:[0-9]{2}){1,3}", digits) or len(before) + len(digits) < 6:
        raise _bad(expression, text, "a date like 240410, 0410 or 10")
    return before[: 6 - len(digits)] + digits


def _as_date(digits: str, expression: str) -> date:
    try:
        return date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        raise _bad(expression, digits, "a day of the calendar") from None


def _ranges(text: str, window: Window, expression: str) -> frozenset[date]:
    days: set[date] = set()
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
        start_day, end_day = max(first, window.first), min(last, window.last)
        days.update(start_day + n * _DAY for n in range((end_day - start_day).days + 1))
    return frozenset(days)


def _term(term: str, window: Window, expression: str) -> frozenset[date]:
    days = window.days()
    if term == "":
        return frozenset(days)
    if term[0] in "!停":
        return frozenset(days) - _ranges(term[1:], window, expression)
    if re.fullmatch(r"w[1-7]+", term):
        return frozenset(day for day in days if str(day.isoweekday()) in term)
    if term in {"单", "双"}:
        odd = 1 if term == "单" else 0
        return frozenset(day for day in days if (day - window.base).days % 2 == odd)
    if re.fullmatch(r"b[01]+", term):
        cycle = term[:0:-1]
        return frozenset(d for d in days if cycle[(d - window.base).days % len(cycle)] == "1")
    if term[0] in "0123456789":
        return _ranges(term, window, expression)
    raise _bad(expression, term, "dates, !dates, w, 单, 双 or b")


@lru_cache(maxsize=65536)
def running_days(expression: str, window: Window) -> frozenset[date]:
    """The days of the window on which a train with this expression starts.

    LayoutDrift: the expression is none of the known forms.
    """
    terms = expression.split("&") if expression else [""]
    if len(terms) > 1 and "" in terms:
        raise _bad(expression, expression, "a term on both sides of &")
    return frozenset.intersection(*(_term(term, window, expression) for term in terms))


def starts_on(expressions: pl.Series, day: date, window: Window) -> pl.Series:
    """Whether each expression runs on the day; null where it cannot be read.

    Each distinct expression is read once: 14,851 trains share 579 of them.
    LayoutDrift: the day is outside the window, where absence would mean nothing.
    """
    if not window.first <= day <= window.last:
        raise LayoutDrift(
            f"{day} is outside the window {window.first} to {window.last} of this timetable; "
            "count it from the timetable that covers it"
        )
    answers: dict[str, bool] = {}
    for expression in expressions.unique():
        try:
            answers[expression] = day in running_days(expression, window)
        except LayoutDrift:
            continue
    return expressions.replace_strict(
        list(answers), list(answers.values()), default=None, return_dtype=pl.Boolean
    )

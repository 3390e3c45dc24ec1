"""Circle definitions and their members as contract tables.

Belongs here: reading `circles.csv` and `circle_members.csv`, checking every member against the
divisions valid when the definition was made, counting members. Not here: values of circles (dbt),
names of places (divisions), or which definition is right: they overlap, and all of them stay.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.errors import nearest
from pipelines.geography.divisions import (
    STILL_VALID,
    Flaw,
    Line,
    Loaded,
    SnapshotOf,
    load_table,
    logical,
    read_divisions,
    read_lines,
    unknown_code,
)

KINDS = ("circle", "core", "axis", "pilot", "list")
COVERAGES = ("whole", "part")
_CIRCLES, _MEMBERS = "circles.csv", "circle_members.csv"
_CIRCLE_COLUMNS = (
    "circle_id", "circle_name_zh", "circle_name_en", "circle_kind", "document", "locator",
    "valid_from", "note",
)  # fmt: skip
_MEMBER_COLUMNS = (
    "circle_id", "member_seq", "place_code", "member_name", "member_level", "coverage", "role",
    "weight", "weight_basis", "no_code_reason", "locator",
)  # fmt: skip


def definition_date(valid_from: int | None) -> date:
    """The day on which members must be valid: the end of the year the definition holds from.

    A definition without a year is read with the divisions of today.
    """
    return date(valid_from, 12, 31) if valid_from else STILL_VALID


def _circle_row(line: Line, seen: set[str]) -> dict[str, Any] | Flaw:
    circle, kind, year = line.text("circle_id"), line.text("circle_kind"), line.get("valid_from")
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", circle):
        return Flaw("not a circle id", "capitals, digits, underscores", circle)
    if circle in seen:
        return Flaw("the circle is defined twice", "one row per circle_id", circle)
    if kind not in KINDS:
        near = nearest(kind, list(KINDS))
        return Flaw("unknown kind of circle", ", ".join(KINDS), kind, near)
    if year and not re.fullmatch(r"(19|20)[0-9]{2}", year):
        return Flaw("not a year", "four digits or nothing", year)
    if not line.get("circle_name_zh"):
        return Flaw("the circle has no Chinese name", "a name", "")
    seen.add(circle)
    texts = ("circle_name_zh", "circle_name_en", "document", "locator", "note")
    row = {column: line.get(column) for column in texts}
    return row | {
        "circle_id": circle,
        "circle_kind": kind,
        "valid_from": int(year) if year else None,
    }


def _definitions(sources: Path, snapshot: SnapshotOf) -> Loaded:
    seen: set[str] = set()

    def check(line: Line) -> dict[str, Any] | Flaw:
        return _circle_row(line, seen)

    return load_table(sources, snapshot, _CIRCLES, "circle", needed=_CIRCLE_COLUMNS, check=check)


def _weight(line: Line) -> float | Flaw | None:
    text = line.get("weight")
    if text is None:
        return None
    expected = "a number above 0 and up to 1, or nothing"
    try:
        value = float(text)
    except ValueError:
        return Flaw("the weight is no number", expected, text)
    # Written this way round so that nan is refused as well.
    return value if 0 < value <= 1 else Flaw("the weight is out of range", expected, text)


class _Members:
    """The checks of one pass over the members: what was seen before decides about duplicates."""

    def __init__(self, definitions: pl.DataFrame, divisions: pl.DataFrame) -> None:
        self.days = {
            circle: definition_date(year)
            for circle, year in definitions.select("circle_id", "valid_from").iter_rows()
        }
        self.validity: dict[str, list[tuple[str, date, date]]] = {}
        columns = ("place_code", "place_name_zh", "valid_from", "valid_to")
        for code, name, start, end in divisions.select(columns).iter_rows():
            self.validity.setdefault(code, []).append((name, start, end or STILL_VALID))
        self.codes_seen: set[tuple[str, str]] = set()
        self.seqs_seen: set[tuple[str, int]] = set()

    def _names_at(self, day: date) -> dict[str, str]:
        return {
            name: code
            for code, periods in self.validity.items()
            for name, start, end in periods
            if start <= day <= end
        }

    def _code_flaw(self, code: str, member: str, day: date) -> Flaw | None:
        names = self._names_at(day)
        spelled = nearest(member, list(names)).split(", ")
        near = [f"{names[name]} {name}" for name in spelled if name]
        if code not in self.validity:
            flaw = unknown_code(code, self.validity)
            return Flaw(flaw.reason, flaw.expected, code, ", ".join(near) or flaw.candidates)
        if code not in names.values():
            periods = "; ".join(f"{n} {start} to {end}" for n, start, end in self.validity[code])
            found = f"{code} ({periods})"
            expected = "a code valid at the date of the definition"
            if day != STILL_VALID:
                expected += f", {day}"
            return Flaw("the division did not exist then", expected, found, ", ".join(near))
        return None

    def check(self, line: Line) -> dict[str, Any] | Flaw:
        circle, seq, code = line.text("circle_id"), line.text("member_seq"), line.get("place_code")
        coverage, weight = line.text("coverage"), _weight(line)
        if circle not in self.days:
            near = nearest(circle, sorted(self.days))
            return Flaw("the circle is not defined", "a circle_id of circles.csv", circle, near)
        if not re.fullmatch(r"[1-9][0-9]{0,3}", seq) or (circle, int(seq)) in self.seqs_seen:
            expected = "a positive number, once per circle"
            return Flaw("no position of its own in the circle", expected, seq)
        if coverage not in COVERAGES:
            near = nearest(coverage, list(COVERAGES))
            return Flaw("unknown coverage", ", ".join(COVERAGES), coverage, near)
        if isinstance(weight, Flaw):
            return weight
        if code is None and not line.get("no_code_reason"):
            return Flaw("a member without a code gives no reason", "no_code_reason", "")
        if code is not None:
            flaw = self._code_flaw(code, line.text("member_name"), self.days[circle])
            if flaw is not None:
                return flaw
            if (circle, code) in self.codes_seen:
                expected = "a division once per circle"
                return Flaw("the member is listed twice", expected, f"{circle} {code}")
            self.codes_seen.add((circle, code))
        self.seqs_seen.add((circle, int(seq)))
        texts = ("member_name", "member_level", "role", "weight_basis", "no_code_reason", "locator")
        return {column: line.get(column) for column in texts} | {
            "circle_id": circle,
            "member_seq": int(seq),
            "place_code": code,
            "coverage": coverage,
            "weight": weight,
        }


def read_circle_members(sources: Path, snapshot: SnapshotOf) -> Loaded:
    """`circle_member`: one row per member of a definition; `locator` is the line of the defining
    document. A member without a code stays, with its reason."""
    definitions, _ = _definitions(sources, snapshot)
    divisions, _ = read_divisions(sources, snapshot)
    members = _Members(definitions, divisions)
    needed = _MEMBER_COLUMNS
    return load_table(
        sources, snapshot, _MEMBERS, "circle_member", needed=needed, check=members.check
    )


def _named_members(sources: Path) -> dict[str, set[tuple[str, str]]]:
    """Distinct members that the file names per circle, rejected rows included."""
    named: dict[str, set[tuple[str, str]]] = {}
    path = sources / "geography" / _MEMBERS
    for record in read_lines(path, logical(_MEMBERS), _MEMBER_COLUMNS):
        if isinstance(record, Line):
            member = (record.text("member_name"), record.text("coverage"))
            named.setdefault(record.text("circle_id"), set()).add(member)
    return named


def read_circles(sources: Path, snapshot: SnapshotOf) -> Loaded:
    """`circle`: one row per definition; `locator` is the line of the defining document.

    `members_total` counts the members that the file names, those of refused rows included:
    otherwise a circle with one bad row would pass for a complete, smaller circle.
    `members_with_code` counts the accepted members that have a code.
    """
    definitions, rejects = _definitions(sources, snapshot)
    members, _ = read_circle_members(sources, snapshot)
    coded = members.group_by("circle_id").agg(members_with_code=pl.col("place_code").count())
    named = {circle: len(names) for circle, names in _named_members(sources).items()}
    frame = definitions.drop("members_with_code").join(
        coded, on="circle_id", how="left", maintain_order="left"
    )
    return frame.with_columns(
        members_total=pl.col("circle_id").replace_strict(named, default=0, return_dtype=pl.Int32),
        members_with_code=pl.col("members_with_code").fill_null(0).cast(pl.Int32),
    ).select(definitions.columns), rejects

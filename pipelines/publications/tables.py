"""Publications as contract tables: names resolved through the alias files, numbers parsed.

Belongs here: reading `sources/publications/*.csv` row by row; a row with an unknown indicator,
place or unit, or with a number that its text does not print, becomes a Reject with the nearest
candidates. Not here: unit conversion, intervals, and comparing figures with anything (dbt).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.contract import Table, polars_schema
from pipelines.errors import ContractBroken, Reject, nearest
from pipelines.geography.circles import read_circles
from pipelines.geography.divisions import Flaw, Line, read_divisions, read_lines
from pipelines.publications.numbers import Number, find_numbers, read_number
from pipelines.registry.tables import indicator_units, read_text_csv

SnapshotOf = Callable[[str], str]
Loaded = tuple[pl.DataFrame, list[Reject]]

FIGURE_COMPARATORS = ("=", "~", ">", "<=", "change", "rank", "na")
TARGET_COMPARATORS = ("=", "~", ">", ">=", "<=", "range", "qualitative")
_ORIGIN = ("read_from", "read_sha256", "read_locator")
_FALLS = "下降"


# --------------------------------------------------------------------------- names


@dataclass(frozen=True)
class Names:
    """What the alias files say, checked against the registries they lead to.

    indicators: (kind, indicator, unit) -> (indicator_id, unit_id, reason).
    places: name -> (place_code, circle_id, reason).
    """

    indicators: Mapping[tuple[str, str, str], tuple[str | None, str | None, str | None]]
    places: Mapping[str, tuple[str | None, str | None, str | None]]

    def indicator(self, kind: str, line: Line) -> dict[str, Any] | Flaw:
        name, unit = line.text("indicator"), line.text("unit")
        found = self.indicators.get((kind, name, unit))
        file = "sources/publications/indicator_aliases.csv"
        if found is None:
            units = sorted(u for k, n, u in self.indicators if (k, n) == (kind, name))
            if units:
                near = ", ".join(units)
                return Flaw(f"unknown unit of {name}", f"a unit of {file}", unit, near)
            known = sorted({n for k, n, _ in self.indicators if k == kind})
            return Flaw("unknown indicator", f"a name of {file}", name, nearest(name, known))
        keys = ("indicator_id", "unit_id", "indicator_reason")
        return dict(zip(keys, found, strict=True))

    def place(self, name: str) -> dict[str, Any] | Flaw:
        found = self.places.get(name)
        if found is None:
            expected = "a name of sources/publications/place_aliases.csv"
            return Flaw("unknown place", expected, name, nearest(name, sorted(self.places)))
        return dict(zip(("place_code", "circle_id", "place_reason"), found, strict=True))

    def code(self, name: str) -> str | Flaw:
        """The code of a place that must be a division."""
        found = self.place(name)
        if isinstance(found, Flaw):
            return found
        code: str | None = found["place_code"]
        return code or Flaw("the place is no division", "a place with a code", name)


def _alias_flaw(line: Line, known: Sequence[str], column: str) -> str | None:
    value = line.get(column)
    if value is None or value in known:
        return None
    near = nearest(value, sorted(known))
    return f"L{line.number}: unknown {column} {value!r}; nearest: {near or 'none'}"


@lru_cache(maxsize=2)
def read_names(sources: Path) -> Names:
    """The alias files; ContractBroken names the line of an alias that leads nowhere.

    An alias file is part of the code: one that is wrong says nothing about any figure.
    """
    units = indicator_units(sources)
    dimension_of = dict(
        read_text_csv(sources / "units.csv").select("unit_id", "dimension").iter_rows()
    )
    wanted = dict(units.select("indicator_id", "dimension").iter_rows())
    flaws: list[str] = []
    indicators = {}
    file = "indicator_aliases.csv"
    for line in _lines(sources, file, ("kind", "indicator", "unit", "indicator_id", "reason")):
        found = line.get("indicator_id"), line.get("unit_id"), line.get("reason")
        indicators[line.text("kind"), line.text("indicator"), line.text("unit")] = found
        problem = _alias_flaw(line, list(wanted), "indicator_id")
        problem = problem or _alias_flaw(line, list(dimension_of), "unit_id")
        if problem is None and (found[0] is None) == (found[2] is None):
            problem = f"L{line.number}: expected an indicator_id or a reason, and not both"
        if problem is None and found[0] and dimension_of.get(found[1] or "") != wanted[found[0]]:
            problem = f"L{line.number}: unit {found[1]!r} does not measure {found[0]}"
        if problem:
            flaws.append(f"{file} {problem}")
    divisions, _ = read_divisions(sources, lambda name: name)
    circles, _ = read_circles(sources, lambda name: name)
    codes, ids = set(divisions["place_code"].to_list()), set(circles["circle_id"].to_list())
    places, file = {}, "place_aliases.csv"
    for line in _lines(sources, file, ("place", "place_code", "circle_id", "reason")):
        found = line.get("place_code"), line.get("circle_id"), line.get("reason")
        places[line.text("place")] = found
        problem = _alias_flaw(line, list(codes), "place_code")
        problem = problem or _alias_flaw(line, list(ids), "circle_id")
        if problem is None and sum(part is not None for part in found) != 1:
            problem = f"L{line.number}: expected one of place_code, circle_id and reason"
        if problem:
            flaws.append(f"{file} {problem}")
    if flaws:
        raise ContractBroken("sources/publications/" + "; ".join(flaws))
    return Names(indicators, places)


def _lines(sources: Path, name: str, columns: Sequence[str]) -> list[Line]:
    file = f"sources/publications/{name}"
    records = read_lines(sources / "publications" / name, file, columns)
    broken = [record for record in records if not isinstance(record, Line)]
    if broken:
        raise ContractBroken(f"{file} L{broken[0][0]}: {broken[0][1].reason}")
    return [record for record in records if isinstance(record, Line)]


# --------------------------------------------------------------------------- loading


def _load(
    sources: Path,
    snapshot: SnapshotOf,
    name: str,
    table: Table,
    needed: Sequence[str],
    make: Callable[[Line], dict[str, Any] | Flaw],
) -> Loaded:
    """Rows that `make` accepts as a frame of the table, and a Reject for every other row."""
    file = f"sources/publications/{name}"
    snapshot_id = snapshot(file)
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    seen: set[tuple[Any, ...]] = set()
    for record in read_lines(sources / "publications" / name, file, needed):
        if isinstance(record, Line):
            number, raw, made = record.number, record.raw(), make(record)
        else:
            number, made = record
            raw = made.found
        if not isinstance(made, Flaw):
            row = {"snapshot_id": snapshot_id, "locator": f"L{number}"} | made
            key = tuple(row.get(column) for column in table.key)
            if key in seen:
                made = Flaw("the key stands twice", f"one row per {', '.join(table.key)}", str(key))
            else:
                seen.add(key)
                rows.append(row)
        if isinstance(made, Flaw):
            rejects.append(
                Reject(
                    snapshot_id=snapshot_id,
                    locator=f"L{number}",
                    file=file,
                    table_name=table.name,
                    slice="all",
                    raw_text=raw,
                    expected=made.expected,
                    found=made.found,
                    candidates=made.candidates,
                    reason=made.reason,
                    severity="error",
                )
            )
    schema = polars_schema(table)
    kept = [{column: row.get(column) for column in schema} for row in rows]
    return pl.DataFrame(kept, schema=schema), rejects


def _texts(line: Line, columns: Mapping[str, str] | Sequence[str]) -> dict[str, str | None]:
    """Cells by our column name; `columns` maps ours to the file's where they differ."""
    pairs = columns.items() if isinstance(columns, Mapping) else ((c, c) for c in columns)
    return {ours: line.get(theirs) for ours, theirs in pairs}


def _merged(*parts: dict[str, Any] | Flaw) -> dict[str, Any] | Flaw:
    merged: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, Flaw):
            return part
        merged |= part
    return merged


def _year(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"(19|20)[0-9]{2}", text) else None


def _years(text: str | None) -> dict[str, Any] | Flaw:
    """year_start and year_end of '2021' or '2010-2021'; both null for nothing."""
    if text is None:
        return {"year_start": None, "year_end": None}
    first, _, last = text.partition("-")
    start, end = _year(first), _year(last or first)
    if start is None or end is None or end < start:
        return Flaw("not a year or a span of years", "2021 or 2010-2021", text)
    return {"year_start": start, "year_end": end}


def printed_number(value_text: str, number_text: str) -> Number | Flaw:
    """The number that `number_text` reads out of `value_text`.

    '3.2：48.9：47.9' prints three numbers, '五主四辅' two: number_text says which is meant. After
    下降 the number is a fall, though printed without a sign.
    """
    number = read_number(number_text)
    found = find_numbers(value_text)
    if number is None or number.text not in [each.text for each in found]:
        expected = "a number that the printed text holds"
        near = ", ".join(each.text for each in found)
        return Flaw("no such number in the text", expected, f"{number_text} in {value_text}", near)
    return replace(number, value=-number.value) if _FALLS in value_text else number


# --------------------------------------------------------------------------- the tables


def read_figures(sources: Path, snapshot: SnapshotOf, table: Table) -> Loaded:
    """`printed_figure`: one row per figure; `locator` is the line of the document."""
    names = read_names(sources)

    def make(line: Line) -> dict[str, Any] | Flaw:
        text, comparator = line.text("value_text"), line.text("comparator")
        if comparator not in FIGURE_COMPARATORS:
            near = nearest(comparator, list(FIGURE_COMPARATORS))
            return Flaw("unknown comparator", ", ".join(FIGURE_COMPARATORS), comparator, near)
        value: dict[str, Any] | Flaw = {"value": None, "decimals": None}
        if comparator != "na":
            number = printed_number(text, line.text("number_text"))
            value = (
                number
                if isinstance(number, Flaw)
                else {"value": number.value, "decimals": number.decimals}
            )
        return _merged(
            _texts(
                line,
                {
                    "figure_id": "figure_id",
                    "document": "document",
                    "locator": "locator",
                    "table_raw": "table",
                    "place_raw": "place",
                    "indicator_raw": "indicator_zh",
                    "indicator_name": "indicator",
                    "unit_raw": "unit",
                    "period_text": "period",
                    "period_basis": "period_basis",
                    "value_text": "value_text",
                    "comparator": "comparator",
                },
            ),
            _texts(line, _ORIGIN),
            names.indicator("figure", line),
            names.place(line.text("place")),
            _years(line.get("period")),
            value,
        )

    needed = ("figure_id", "indicator", "unit", "place", "value_text", "number_text")
    return _load(sources, snapshot, "printed_figures.csv", table, needed, make)


def read_relations(sources: Path, snapshot: SnapshotOf, table: Table) -> Loaded:
    """`figure_relation`: which figures of a document others of it are made from."""
    lines = _lines(sources, "printed_figures.csv", ("figure_id", "document"))
    document_of = {line.text("figure_id"): line.text("document") for line in lines}

    def make(line: Line) -> dict[str, Any] | Flaw:
        figure, given, role = (
            line.text("figure_id"), line.text("input_figure_id"), line.text("role"),
        )  # fmt: skip
        factor = read_number(line.text("factor"))
        for name in (figure, given):
            if name not in document_of:
                near = nearest(name, sorted(document_of))
                return Flaw("unknown figure", "a figure_id of printed_figures.csv", name, near)
        if document_of[figure] != document_of[given]:
            return Flaw("two documents", "figures of one document", f"{figure} {given}")
        if role not in ("part", "minus", "numerator", "denominator"):
            return Flaw("unknown role", "part, minus, numerator or denominator", role)
        if factor is None:
            return Flaw("the factor is no number", "a number", line.text("factor"))
        texts = _texts(line, ("figure_id", "input_figure_id", "role", "rule"))
        return texts | {"factor": float(factor.value)}

    needed = ("figure_id", "input_figure_id", "role", "factor", "rule")
    return _load(sources, snapshot, "figure_relations.csv", table, needed, make)


CHECK_STATUSES = ("pass", "rounding", "mismatch", "suspect", "info")


def read_checks(sources: Path, snapshot: SnapshotOf, table: Table) -> Loaded:
    """`document_check`: what a reading of the documents found when it checked them against
    themselves and one another, with its verdict."""

    def make(line: Line) -> dict[str, Any] | Flaw:
        status = line.text("status")
        if status not in CHECK_STATUSES:
            near = nearest(status, list(CHECK_STATUSES))
            return Flaw("unknown status", ", ".join(CHECK_STATUSES), status, near)
        columns = (
            "check_id", "document", "locator", "what", "result_text", "expected_text", "status",
        )  # fmt: skip
        return _texts(line, columns) | _texts(line, _ORIGIN)

    needed = ("check_id", "document", "what", "result_text", "expected_text", "status")
    return _load(sources, snapshot, "document_checks.csv", table, needed, make)


def read_targets(sources: Path, snapshot: SnapshotOf, table: Table) -> Loaded:
    """`policy_target`: one row per target; a quantitative one has a number."""
    names = read_names(sources)

    def make(line: Line) -> dict[str, Any] | Flaw:
        text, comparator = line.text("value_text"), line.text("comparator")
        if comparator not in TARGET_COMPARATORS:
            near = nearest(comparator, list(TARGET_COMPARATORS))
            return Flaw("unknown comparator", ", ".join(TARGET_COMPARATORS), comparator, near)
        values: dict[str, Any] = {"value": None, "value_upper": None}
        wanted = {"value": "number_text"} if comparator != "qualitative" else {}
        if comparator == "range":
            wanted["value_upper"] = "number_text_high"
        for ours, theirs in wanted.items():
            number = printed_number(text, line.text(theirs))
            if isinstance(number, Flaw):
                return number
            values[ours] = number.value
        return _merged(
            _texts(
                line,
                {
                    "target_id": "target_id",
                    "document": "document",
                    "locator": "locator",
                    "place_raw": "place",
                    "indicator_raw": "indicator_zh",
                    "indicator_name": "indicator",
                    "unit_raw": "unit",
                    "comparator": "comparator",
                    "comparator_basis": "comparator_basis",
                    "horizon_basis": "horizon_basis",
                    "value_text": "value_text",
                },
            ),
            _texts(line, _ORIGIN),
            names.indicator("target", line),
            names.place(line.text("place")),
            values,
            {
                "is_quantitative": comparator != "qualitative",
                "is_every_year": line.text("is_every_year") == "yes",
                "start_year": _year(line.get("start_year")),
                "horizon_year": _year(line.get("horizon_year")),
            },
        )

    needed = ("target_id", "indicator", "unit", "place", "value_text", "number_text", "comparator")
    return _load(sources, snapshot, "policy_targets.csv", table, needed, make)


def read_projects(sources: Path, snapshot: SnapshotOf, table: Table) -> Loaded:
    """`named_project`: one row per statement; codes of the places that are divisions."""
    names = read_names(sources)

    def make(line: Line) -> dict[str, Any] | Flaw:
        codes = []
        for name in filter(None, line.text("places_read").split(";")):
            found = names.place(name)
            if isinstance(found, Flaw):
                return found
            codes += [found["place_code"]] if found["place_code"] else []
        return _texts(
            line,
            {
                "project_id": "project_id",
                "document": "document",
                "locator": "locator",
                "box": "box",
                "category": "category",
                "subcategory": "subcategory",
                "name_raw": "name_printed",
                "name_zh": "name_zh",
                "project_key": "project_key",
                "project_name_zh": "project_name_zh",
                "status_raw": "status_printed",
                "places_named": "places_named",
                "places_read": "places_read",
            },
        ) | {**_texts(line, _ORIGIN), "place_codes": ";".join(dict.fromkeys(codes)) or None}

    needed = ("project_id", "name_printed", "places_read")
    return _load(sources, snapshot, "named_projects.csv", table, needed, make)


def _coded(
    names: Names, texts: Mapping[str, str], numbers: Sequence[str]
) -> Callable[[Line], dict[str, Any] | Flaw]:
    """Rows of a list by city: texts, whole numbers and the code of the city."""

    def make(line: Line) -> dict[str, Any] | Flaw:
        code = names.code(line.text("place"))
        if isinstance(code, Flaw):
            return code
        for column in numbers:
            if not line.text(column).isdecimal():
                return Flaw(f"{column} is no whole number", "a whole number", line.text(column))
        return {
            **_texts(line, texts),
            **_texts(line, _ORIGIN),
            **{column: int(line.text(column)) for column in numbers},
            "place_code": code,
        }

    return make


def read_industries(sources: Path, snapshot: SnapshotOf, table: Table) -> Loaded:
    """`strategic_industry`: industries per city in printed order."""
    texts = {
        "document": "document",
        "locator": "locator",
        "table_raw": "table",
        "place_raw": "place",
        "industry_zh": "industry_zh",
        "group_code": "group_code",
        "group_en": "group_en",
    }
    row = _coded(read_names(sources), texts, ("industry_seq", "industries_of_place"))

    def make(line: Line) -> dict[str, Any] | Flaw:
        return _merged(row(line), {"is_open_list": line.text("is_open_list") == "yes"})

    needed = ("document", "place", "industry_seq", "industry_zh")
    return _load(sources, snapshot, "strategic_industries.csv", table, needed, make)


def read_roles(sources: Path, snapshot: SnapshotOf, table: Table) -> Loaded:
    """`cluster_city_role`: clusters and the cities that have a role in them."""
    texts = {
        "document": "document",
        "locator": "locator",
        "cluster_type": "cluster_type",
        "cluster_zh": "cluster_zh",
        "place_raw": "place",
    }
    make = _coded(read_names(sources), texts, ("cluster_seq", "role_seq"))
    needed = ("document", "place", "cluster_type", "cluster_seq", "role_seq")
    return _load(sources, snapshot, "cluster_city_roles.csv", table, needed, make)

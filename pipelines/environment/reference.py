"""The dated standards: breakpoints of the air quality index, limits and divisors.

Belongs here: `sources/environment/{breakpoints,limits}.csv` as contract tables, each row checked on
its own. Not here: applying them (dbt), or how the CSV files came about (transcribe).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from pipelines import contract
from pipelines.environment.cells import NUMBER
from pipelines.errors import Reject, nearest
from pipelines.geography.divisions import Flaw, Line, iso_date, read_lines

SnapshotOf = Callable[[str], str]
POLLUTANTS = ("pm25", "pm10", "so2", "no2", "co", "o3_8h", "o3")
AVERAGINGS = ("24h", "1h", "max_8h", "year", "p90_max_8h", "p95_24h")
UNITS = {"co": "mg/m3"}
_EVIDENCE = ("read_from", "read_sha256", "read_locator")


def _text_checks(line: Line) -> Flaw | None:
    pollutant, averaging, unit = (line.text(c) for c in ("pollutant", "averaging", "unit"))
    starts, ends = iso_date(line.text("valid_from")), line.get("valid_to")
    for column, value, known in (
        ("pollutant", pollutant, POLLUTANTS), ("averaging", averaging, AVERAGINGS),
    ):  # fmt: skip
        if value not in known:
            near = nearest(value, list(known))
            return Flaw(f"unknown {column}", ", ".join(known), value, near)
    wanted = UNITS.get(pollutant, "ug/m3")
    if unit != wanted:
        return Flaw("another unit than the pollutant's", wanted, unit)
    if starts is None:
        return Flaw("no valid start of validity", "YYYY-MM-DD", line.text("valid_from"))
    if ends and ((last := iso_date(ends)) is None or last < starts):
        return Flaw("no valid end of validity", f"YYYY-MM-DD, not before {starts}", ends)
    if not line.get("standard"):
        return Flaw("the row names no standard", "a standard", "")
    return None


def _number(line: Line, column: str) -> float | Flaw:
    text = line.text(column)
    if not pl.Series([text]).str.contains(NUMBER).item():
        return Flaw(f"{column} is no number", "a number without sign", text)
    return float(text)


def _breakpoint(line: Line) -> dict[str, Any] | Flaw:
    concentration = _number(line, "concentration")
    if isinstance(concentration, Flaw):
        return concentration
    if line.text("report") not in ("daily", "hourly"):
        return Flaw("unknown report", "daily, hourly", line.text("report"))
    if not line.text("iaqi").isdecimal() or int(line.text("iaqi")) > 500:
        return Flaw("no index value", "a whole number up to 500", line.text("iaqi"))
    return {"concentration": line.text("concentration"), "iaqi": int(line.text("iaqi"))}


def _limit(line: Line) -> dict[str, Any] | Flaw:
    value = _number(line, "limit_value")
    if isinstance(value, Flaw):
        return value
    if value <= 0:
        return Flaw("a limit must be positive", "a number above 0", line.text("limit_value"))
    if line.text("purpose") not in ("class1", "class2", "composite_index"):
        expected = "class1, class2, composite_index"
        return Flaw("unknown purpose", expected, line.text("purpose"))
    return {"limit_value": line.text("limit_value")}


def _read(
    sources: Path,
    snapshot: SnapshotOf,
    table: str,
    name: str,
    own: Callable[[Line], dict[str, Any] | Flaw],
) -> tuple[pl.DataFrame, list[Reject]]:
    known = contract.load(sources / "contract.yml").table(table)
    file = f"sources/environment/{name}"
    columns = [c for c in known.column_names if c not in ("snapshot_id", "locator")]
    rows, rejects = [], []
    for record in read_lines(sources / "environment" / name, file, columns):
        if isinstance(record, Line):
            number, raw = record.number, record.raw()
            result: dict[str, Any] | Flaw = _text_checks(record) or own(record)
        else:
            number, result = record
            raw = result.found
        if isinstance(result, Flaw):
            rejects.append(
                Reject(
                    snapshot(file), f"L{number}", file, table, "all", raw, result.expected,
                    result.found, result.candidates, result.reason, "error",
                )
            )  # fmt: skip
        elif isinstance(record, Line):
            texts = {column: record.get(column) for column in columns}
            place = {"snapshot_id": snapshot(file), "locator": f"L{number}"}
            rows.append(texts | result | place)
    text = pl.DataFrame(rows, schema=dict.fromkeys(known.column_names, pl.String), strict=False)
    return text.with_columns(
        pl.col("valid_from").str.to_date(), pl.col("valid_to").str.to_date()
    ), rejects


def read_breakpoints(sources: Path, snapshot: SnapshotOf) -> tuple[pl.DataFrame, list[Reject]]:
    """`air_breakpoint`: one row per standard, report, pollutant and index value."""
    return _read(sources, snapshot, "air_breakpoint", "breakpoints.csv", _breakpoint)


def read_limits(sources: Path, snapshot: SnapshotOf) -> tuple[pl.DataFrame, list[Reject]]:
    """`air_limit`: one row per standard, purpose, pollutant and averaging."""
    return _read(sources, snapshot, "air_limit", "limits.csv", _limit)

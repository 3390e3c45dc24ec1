"""Corruptions judged in DuckDB alone: fast enough to break every rule in every way.

Great Expectations takes some 20 ms a rule, so breaking each rule of a suite and asking all the
others would take minutes. `Bench` answers the same questions with one SQL query a rule;
`test_quality_mutations.py` proves that its answers are Great Expectations' answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
from quality_lake import CONTRACT, Rows, clean, frame

from expectations import FILE_COLUMNS, MEANS, MEASURED, ROW_COUNTS, Rule, Suite

Change = Callable[[Rows], None]
# What the runner says about the files and about the release in use, beside the tables themselves.
ABOUT = {
    FILE_COLUMNS: {
        "table_name": pl.String,
        "slice": pl.String,
        "column_name": pl.String,
        "found": pl.String,
        "expected": pl.String,
        "found_position": pl.Int32,
        "expected_position": pl.Int32,
    },
    ROW_COUNTS: {
        "table_name": pl.String,
        "slice": pl.String,
        "rows": pl.Int64,
        "previous_rows": pl.Int64,
    },
    MEANS: {
        "table_name": pl.String,
        "slice": pl.String,
        "series": pl.String,
        "mean": pl.Float64,
        "previous_mean": pl.Float64,
    },
}
# What breaks a rule about one of them.
ABOUT_BROKEN: dict[str, dict[str, Any]] = {
    FILE_COLUMNS: {"found": "varchar[]"},
    ROW_COUNTS: {"rows": 8},
    MEANS: {"mean": 1.3},
}


def query(rule: Rule, table: str) -> str:
    """SQL that counts what breaks the rule. Its classes are those that `expectations/` uses."""
    if rule.is_sql:
        return f"select count(*) from ({rule.sql.replace('{batch}', rule.asks or table)})"
    given = rule.kwargs
    if rule.expectation == "ExpectCompoundColumnsToBeUnique":
        keys = ", ".join(given["column_list"])
        return f"select coalesce(sum(n), 0) from (select count(*) as n from {table} group by {keys}\
            having count(*) > 1)"
    column = given["column"]
    where = {
        "ExpectColumnValuesToNotBeNull": lambda: f"{column} is null",
        "ExpectColumnValuesToBeInSet": lambda: f"{column} not in ({_texts(given['value_set'])})",
        "ExpectColumnValuesToMatchRegex": (
            lambda: f"not regexp_full_match({column}, {_texts([given['regex']])})"
        ),
        "ExpectColumnValuesToBeUnique": (
            lambda: f"{column} in (select {column} from {table} group by 1 having count(*) > 1)"
        ),
        "ExpectColumnValuesToBeBetween": lambda: " or ".join(_outside(column, given)),
    }[rule.expectation]()
    return f"select count(*) from {table} where {where}"


def _texts(values: list[str]) -> str:
    return ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)


def _outside(column: str, given: dict[str, Any]) -> Iterator[str]:
    if given.get("min_value") is not None:
        yield f"{column} {'<=' if given.get('strict_min') else '<'} {given['min_value']}"
    if given.get("max_value") is not None:
        yield f"{column} {'>=' if given.get('strict_max') else '>'} {given['max_value']}"


def clean_with_files() -> Rows:
    """The clean rows, and what stands beside them about their files and the release in use."""
    rows = clean()
    rows[FILE_COLUMNS] = [
        {
            "table_name": table.name,
            "slice": "all",
            "column_name": column.name,
            "found": column.type,
            "expected": column.type,
            "found_position": position,
            "expected_position": position,
        }
        for table in CONTRACT.lake_tables()
        for position, column in enumerate(table.columns)
    ]
    rows[ROW_COUNTS] = [
        {"table_name": table.name, "slice": "all", "rows": 9, "previous_rows": 10}
        for table in CONTRACT.lake_tables()
    ]
    rows[MEANS] = [
        {"table_name": name, "slice": "all", "series": "x", "mean": 1.2, "previous_mean": 1.0}
        for name in MEASURED
    ]
    return rows


class Bench:
    """The clean lake as tables of one DuckDB; a corruption is judged and taken back."""

    def __init__(self) -> None:
        self.clean = clean_with_files()
        self.connection = duckdb.connect(config={"threads": 1})
        for table in CONTRACT.lake_tables():
            self._create(table.name, self.clean.get(table.name, []))
        for name in ABOUT:
            self._create(name, self.clean[name])

    def _create(self, table: str, rows: list[dict[str, Any]]) -> None:
        about = ABOUT.get(table)
        self.connection.register(
            "made", pl.DataFrame(rows, schema=about) if about else frame(table, rows)
        )
        self.connection.execute(f'create or replace table "{table}" as select * from made')
        self.connection.unregister("made")

    def failing(self, suite: Suite, change: Change | None = None) -> dict[str, int]:
        """Failing rows of every rule of the suite that is broken after the change."""
        rows = clean_with_files()
        if change is not None:
            change(rows)
        touched = [table for table in rows if rows[table] != self.clean.get(table)]
        self.connection.begin()
        try:
            for table in touched:
                self._create(table, rows[table])
            asked = " union all ".join(
                f"select '{rule.rule_id}', ({query(rule, suite.table)})" for rule in suite.rules
            )
            found = self.connection.execute(asked).fetchall()
        finally:
            self.connection.rollback()
        return {rule_id: int(count) for rule_id, count in found if count}


def derived(suite: Suite, rule: Rule) -> Iterator[Change]:
    """Ways to break a rule that says itself what it forbids, one row of the clean lake after
    another; none for a rule in SQL of its own, which needs a corruption written by hand.
    """
    table = suite.table
    if rule.asks in ABOUT:
        yield _set(rule.asks, _first(rule.asks, table), **ABOUT_BROKEN[rule.asks])
        return
    for number, row in enumerate(clean()[table]):
        values = _forbidden(rule, row)
        if values is not None:
            yield _set(table, number, **values)
        elif rule.expectation.endswith("ToBeUnique"):
            yield _again(table, number)


def _first(about: str, table: str) -> int:
    return next(
        number for number, row in enumerate(clean_with_files()[about]) if row["table_name"] == table
    )


def _forbidden(rule: Rule, row: dict[str, Any]) -> dict[str, Any] | None:
    column, kwargs = rule.kwargs.get("column", ""), rule.kwargs
    if rule.rule_id.endswith("_is_known") and rule.refers:
        held = row.get(rule.refers)
        if held is None:
            return {}
        return {rule.refers: "449999" if str(held).isdecimal() else f"not {held}"}
    match rule.expectation:
        case "ExpectColumnValuesToNotBeNull":
            return {column: None}
        case "ExpectColumnValuesToBeInSet":
            return {column: "none of them"}
        case "ExpectColumnValuesToMatchRegex":
            return {column: "4401"}
        case "ExpectColumnValuesToBeBetween":
            low, high = kwargs.get("min_value"), kwargs.get("max_value")
            beyond = high + 1 if high is not None else low - 1
            held = row.get(column)
            return {column: type(held)(beyond) if isinstance(held, Decimal | float) else beyond}
    return None


def _set(table: str, number: int, **values: Any) -> Change:
    return lambda rows: rows[table][number].update(values)


def _again(table: str, number: int) -> Change:
    return lambda rows: rows[table].append(dict(rows[table][number]))

"""Evidence for any cell of any released table: from a row back to what was printed, and where.

Belongs here: finding one row by its key, running the steps that lead from it to inputs, printed
text, file, line and cell, and showing what they say. Not here: the steps themselves
(`evidence_steps`), making values, the comfort of `explain INDICATOR PLACE YEAR` (`explain`), or
lists of what exists (`find`).

Every step is one SELECT on the release with the columns of the row as parameters; `sql` of the
answer is what a notebook runs to get the same.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import UnknownName, nearest
from pipelines.evidence_steps import COMMON, FACT_LINE, LINEAGE, OWN
from pipelines.release.query import open_locked

Row = dict[str, Any]
_PARAMETER = re.compile(r"\$([a-z_0-9]+)")
_SHOWN = 12
_CANDIDATES = 8


# ------------------------------------------------------------------------------------- asking


def evidence(
    release: Path, subject: str, conditions: dict[str, str] | None = None, column: str | None = None
) -> Row:
    """The row of a table that meets the conditions, and everything it rests on.

    subject: a table (`rail_city_pair_day`, `tidy.observation`), or alone the id of a printed
    figure, a target or a value (fact_id). conditions: column = value; place names stand for codes.
    Raises UnknownName, with the nearest names or the rows that match, unless exactly one row does.

    Keys: table, description, key, row, units, column, steps (title, sql, rows).
    """
    connection = open_locked(release)
    try:
        schemas = _schemas(connection)
        if not conditions:
            subject, conditions = _by_id(connection, subject, schemas)
        table = _table(subject, schemas)
        columns = schemas[table]
        key = _key(connection, table)
        row = _the_row(connection, table, columns, key, conditions)
        if column is not None and column not in columns:
            near = nearest(column, list(columns)) or "none"
            raise UnknownName(f"{table} has no column {column!r}; nearest: {near}")
        return {
            "table": table,
            "description": _one(
                connection,
                "select description_zh, description_en from meta.table_dictionary "
                "where table_name = ?",
                table,
            ),
            "key": {name: row[name] for name in key},
            "column": column,
            "row": row,
            "units": _units(connection, table, row),
            "steps": _steps(connection, table, row, column),
        }
    finally:
        connection.close()


def _fetch(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Any = None) -> list[Row]:
    result = connection.execute(sql, parameters)
    names = [entry[0] for entry in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _one(connection: duckdb.DuckDBPyConnection, sql: str, *parameters: Any) -> Row:
    found = _fetch(connection, sql, list(parameters))
    return found[0] if found else {}


def _schemas(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """Columns and types of every released table, by `schema.table`."""
    found: dict[str, dict[str, str]] = {}
    for entry in _fetch(
        connection,
        "select table_name, column_name, data_type from meta.column_dictionary "
        "order by table_name, position",
    ):
        found.setdefault(entry["table_name"], {})[entry["column_name"]] = entry["data_type"]
    return found


def _key(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    row = _one(connection, "select row_key from meta.table_dictionary where table_name = ?", table)
    return [name.strip() for name in row["row_key"].split(",")]


def _table(subject: str, schemas: dict[str, dict[str, str]]) -> str:
    for candidate in (subject, *(f"{schema}.{subject}" for schema in ("main", "tidy", "meta"))):
        if candidate in schemas:
            return candidate
    names = [*schemas, *(name.partition(".")[2] for name in schemas)]
    raise UnknownName(
        f"no table is called {subject!r}; nearest: {nearest(subject, names) or 'none'}"
    )


def _by_id(
    connection: duckdb.DuckDBPyConnection, text: str, schemas: dict[str, dict[str, str]]
) -> tuple[str, dict[str, str]]:
    """The table and condition that an id alone stands for."""
    for table, column in (
        ("main.printed_figure_check", "figure_id"),
        ("main.policy_target_progress", "target_id"),
        ("main.city_indicator_year", "fact_id"),
        ("main.circle_indicator_year", "fact_id"),
        ("main.air_city_day_recomputed", "fact_id"),
        ("tidy.observation", "fact_id"),
        ("tidy.bulletin_city_period", "fact_id"),
    ):
        if column in schemas.get(table, {}) and _one(
            connection, f"select 1 from {table} where {column} = ? limit 1", text
        ):
            conditions = {column: text}
            if column == "figure_id":
                conditions["vintage"] = _vintage(connection, text)
            return table, conditions
    if any(text in (name, name.partition(".")[2]) for name in schemas):
        raise UnknownName(f"which row of {text}? say column=value for its key")
    raise UnknownName(f"{text!r} is no figure, target or value; name a table and column=value")


def _vintage(connection: duckdb.DuckDBPyConnection, figure_id: str) -> str:
    """The check that says most about a figure: one with a value, the nearest to the print."""
    row = _one(
        connection,
        "select vintage from printed_figure_check where figure_id = ? order by "
        "list_position(['reproduced', 'consistent', 'rounding', 'internally_consistent', "
        "'mismatch'], status) nulls last, vintage limit 1",
        figure_id,
    )
    return str(row["vintage"])


def _the_row(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: dict[str, str],
    key: list[str],
    conditions: dict[str, str],
) -> Row:
    wanted, values = [], []
    for name, text in conditions.items():
        if name not in columns:
            near = nearest(name, list(columns)) or "none"
            raise UnknownName(
                f"{table} has no column {name!r}; nearest: {near}; key: {', '.join(key)}"
            )
        # Compared as text: dates and numbers as they are shown.
        wanted.append(f'cast("{name}" as varchar) = ?')
        values.append(_code(connection, text) if name.endswith("_code") else text)
    found = _fetch(
        connection,
        f"select * from {table} where {' and '.join(wanted)} "
        f"order by {', '.join(chr(34) + name + chr(34) for name in key)} limit {_CANDIDATES + 1}",
        values,
    )
    if len(found) == 1:
        return found[0]
    asked = " ".join(f"{name}={value}" for name, value in zip(conditions, values, strict=True))
    if not found:
        held = _nearest_values(connection, table, conditions, values)
        raise UnknownName(f"{table} has no row with {asked}{held}")
    shown = [" ".join(f"{k}={row[k]}" for k in key) for row in found[:_CANDIDATES]]
    more = "\n  …" if len(found) > _CANDIDATES else ""
    raise UnknownName(
        f"several rows of {table} have {asked}; say which:\n  " + "\n  ".join(shown) + more
    )


def _code(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The division code that a name stands for; anything else as it is."""
    row = _one(
        connection,
        "select place_code from division where place_name_zh in ($1, $1 || '市', $1 || '省', "
        "$1 || '区', $1 || '县') or lower(place_name_en) = lower($1) order by "
        "case place_level when 'province' then 0 when 'prefecture' then 1 else 2 end, "
        "valid_from desc limit 1",
        text,
    )
    return str(row["place_code"]) if row else text


def _nearest_values(
    connection: duckdb.DuckDBPyConnection, table: str, conditions: dict[str, str], values: list[str]
) -> str:
    """For the first condition that no row meets by itself: what the column does hold."""
    for name, value in zip(conditions, values, strict=True):
        text = f'cast("{name}" as varchar)'
        if _one(connection, f"select 1 from {table} where {text} = ? limit 1", value):
            continue
        known = _fetch(connection, f"select distinct {text} as v from {table} where v is not null")
        names = sorted(str(row["v"]) for row in known)
        near = nearest(value, names) or ", ".join(names[:5]) or "nothing"
        return f"; {name} holds {near}{' …' if len(names) > 5 else ''}"
    return ""


def _units(connection: duckdb.DuckDBPyConnection, table: str, row: Row) -> dict[str, str]:
    """Unit of each column of the row; a unit that another column names is looked up there."""
    units = {}
    for entry in _fetch(
        connection,
        "select column_name, unit from meta.column_dictionary where table_name = ?",
        [table],
    ):
        unit = entry["unit"]
        if unit.startswith("see:"):
            unit = row.get(unit.removeprefix("see:"))
        if unit not in (None, "none"):
            units[entry["column_name"]] = str(unit)
    return units


def _steps(
    connection: duckdb.DuckDBPyConnection, table: str, row: Row, column: str | None
) -> list[Row]:
    values = dict(row)
    steps = [*OWN.get(table, ()), *COMMON]
    if table == "main.city_year_wide" and column is not None:
        # The cell of a wide table is a value of its own.
        best = _one(
            connection,
            "select fact_id from city_indicator_best where place_code = ? and year = ? "
            "and indicator_id = ?",
            row["place_code"], row["year"], column,
        )  # fmt: skip
        values |= best
        steps = list(COMMON)
    if column is not None:
        steps.append(LINEAGE)
        values |= {"asked_table": table, "asked_column": column}
    answers = []
    for step in steps:
        if any(values.get(name) is None for name in step.needs):
            continue
        names = dict.fromkeys(_PARAMETER.findall(step.sql))
        if not names.keys() <= values.keys():
            continue  # a column that this release does not have
        parameters = {name: values[name] for name in names}
        try:
            rows = _fetch(connection, step.sql, parameters)
        except (duckdb.BinderException, duckdb.CatalogException):
            # An older release, made before a column or table had its present name.
            rows = []
            answers.append({"title": f"{step.title}: not in this release", "rows": rows,
                            "sql": _written(step.sql, parameters), "line": ""})  # fmt: skip
        if step.line is FACT_LINE and not (len(rows) > 1 or _is_a_value(rows)):
            continue  # the id of a record that is no value of an indicator
        if rows:
            answers.append(
                {
                    "title": step.title,
                    "rows": rows,
                    "sql": _written(step.sql, parameters),
                    "line": step.line,
                }
            )
    return answers


def _is_a_value(rows: list[Row]) -> bool:
    return any(row["indicator_id"] or row["value_text"] is not None for row in rows)


def _written(sql: str, parameters: Row) -> str:
    """The statement with its values in it, to be run anywhere."""

    def literal(match: re.Match[str]) -> str:
        value = parameters[match.group(1)]
        if value is None:
            return "null"
        if isinstance(value, bool | int | float):
            return str(value)
        prefix = "date " if isinstance(value, date) else ""
        return prefix + "'" + str(value).replace("'", "''") + "'"

    return _PARAMETER.sub(literal, sql).strip()


# ------------------------------------------------------------------------------------- telling


def number(value: Any) -> str:
    """A value as people read it: up to four decimals, no trailing noughts."""
    if value is None:
        return "no value"
    if isinstance(value, float | Decimal):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return str(value)


def text(answer: Row, with_sql: bool = False) -> str:
    """The answer for a terminal; with_sql adds the statement of each step."""
    described = answer["description"]
    key = " ".join(f"{name}={value}" for name, value in answer["key"].items())
    lines = [f"{answer['table']}  {key}"]
    if described:
        first = described["description_en"].partition(". ")[0]
        lines.append(f"  {described['description_zh']} / {first}")
    for name in [answer["column"]] if answer["column"] else answer["row"]:
        value = answer["row"][name]
        if answer["column"] or (value is not None and name not in answer["key"]):
            lines.append(f"  {name} = {number(value)} {answer['units'].get(name, '')}".rstrip())
    for step in answer["steps"]:
        rows = step["rows"]
        lines += ["", step["title"] + (f" ({len(rows)})" if len(rows) > 1 else "")]
        lines += [f"  {_line(step['line'], row)}" for row in rows[:_SHOWN]]
        if len(rows) > _SHOWN:
            lines.append(f"  … {len(rows) - _SHOWN} more (--json has them all)")
        if with_sql:
            lines += ["", *(f"    {part}" for part in step["sql"].splitlines())]
    return "\n".join(lines)


def sql(answer: Row) -> str:
    """The statements of the answer, for a notebook on the released DuckDB."""
    return "\n\n".join(f"-- {step['title']}\n{step['sql']};" for step in answer["steps"])


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def _line(template: str, row: Row) -> str:
    numbers = (float, Decimal)
    values = {name: number(v) if isinstance(v, numbers) else v for name, v in row.items()}
    values = {name: "–" if v is None else v for name, v in values.items()}
    if template is FACT_LINE:
        values["indent"] = "  " * row["depth"]
        values["printed"] = _printed(row)
    return template.format_map(values)


def _printed(row: Row) -> str:
    if row["value_text"] is None:
        return f" ({row['method']})" if row["method"] else ""
    parts = [f"printed {row['value_text']!r}", row["unit_raw"] or ""]
    if row["conversion"] not in (None, 1.0):
        parts.append(f"× {number(row['conversion'])}")
    said = " ".join(part for part in parts if part)
    said += f" at {row['locator']}, read from {row['read_from']} {row['read_locator']}"
    said += f", held in {row['file']} line {row['line']}"
    if row["correction_id"]:
        said += f", corrected: {row['correction_id']}"
    if row["note"]:
        said += f"; {row['note']}"
    return f"\n{'  ' * (row['depth'] + 2)}{said}"


def conditions_of(words: list[str]) -> dict[str, str]:
    """`column=value` words as a dictionary; UnknownName for a word without an equals sign."""
    found = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not name:
            raise UnknownName(f"{word!r} is not column=value")
        found[name] = value
    return found

"""`metrocircle.duckdb`: the Parquet files of a release as one documented DuckDB file.

Belongs here: schemas, tables, comments and table macros of the released database. Not here: any
value (they come from the Parquet files alone) and any reading of it (`query`, `verify`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from pipelines.contract import SCHEMAS, Column, Table
from pipelines.release.parquet import Exported, connect, literal, quote

FILE_NAME = "metrocircle.duckdb"
# Written by 1.5, readable from 1.4 on: analysts upgrade later than we do.
STORAGE_VERSION = "v1.4.0"

# What was known on a date: per place, indicator, year and scope the newest vintage published by
# `as_of`, by the same order as `is_latest` (dbt_project/macros/vintage.sql): a relay that repeats
# its publisher comes last, then the date, then the precedence of documents. Rows without a date
# (undated copies) take no part. Derived rows carry the edition and date of their inputs.
AS_OF_MACRO = """
CREATE MACRO {catalog}.main.city_indicator_as_of(as_of) AS TABLE
SELECT
    *,
    published_on_precision = 'assumed' AS rests_on_assumed_date
FROM main.city_indicator_year
WHERE published_on <= CAST(as_of AS DATE)
QUALIFY row_number() OVER (
    PARTITION BY place_code, indicator_id, year, scope
    ORDER BY is_repeat, published_on DESC, precedence, document, edition DESC
) = 1
"""


def write_database(
    folder: Path,
    exported: Sequence[Exported],
    threads: int | None = None,
    macros: Sequence[str] = (),
) -> Path:
    """Write `folder/metrocircle.duckdb` from the Parquet files in the folder; returns its path.

    macros: CREATE MACRO statements over its tables (`pipelines.release.macros`), each with
    `{catalog}` for the name the file is attached under here.
    """
    path = folder / FILE_NAME
    connection = connect(threads)
    try:
        connection.execute(
            f"ATTACH {literal(str(path))} AS release (STORAGE_VERSION {literal(STORAGE_VERSION)})"
        )
        for schema in SCHEMAS:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS release.{schema}")
        # One transaction: otherwise each of some hundred comments is a commit with its own sync.
        connection.execute("BEGIN")
        for item in exported:
            _create_table(connection, item, folder)
        connection.execute("USE release")
        for macro in (AS_OF_MACRO, *macros):
            connection.execute(macro.replace("{catalog}", "release"))
        connection.execute("COMMIT")
        connection.execute("USE memory")
        connection.execute("CHECKPOINT release")
        connection.execute("DETACH release")
    finally:
        connection.close()
    return path


def _create_table(connection: DuckDBPyConnection, item: Exported, folder: Path) -> None:
    name = f"release.{quote(item.table.schema)}.{quote(item.table.name)}"
    columns = ", ".join(
        f"{quote(c.name)} {c.type}{' NOT NULL' if c.name in item.table.key else ''}"
        for c in item.columns
    )
    connection.execute(f"CREATE TABLE {name} ({columns})")
    connection.execute(
        f"INSERT INTO {name} SELECT * FROM read_parquet({literal(str(folder / item.path))})"
    )
    comments = [f"COMMENT ON TABLE {name} IS {literal(table_comment(item.table))}"]
    comments += [
        f"COMMENT ON COLUMN {name}.{quote(column.name)} IS {literal(column_comment(column))}"
        for column in item.columns
    ]
    connection.execute("; ".join(comments))


def description_en(table: Table) -> str:
    """The English description, with the traps where the table has some."""
    return f"{table.en}. {table.nuance}" if table.nuance else table.en


def table_comment(table: Table) -> str:
    """`中文 / English`."""
    return f"{table.zh} / {description_en(table)}"


def column_comment(column: Column) -> str:
    """`中文 / English [unit]`, the unit where there is one."""
    if column.unit == "none":
        return f"{column.zh} / {column.en}"
    unit = column.unit.removeprefix("see:")
    shown = f"unit in column {unit}" if column.unit.startswith("see:") else unit
    return f"{column.zh} / {column.en} [{shown}]"

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

# What was known when. Per place, indicator, year and scope the vintages follow one another by the
# same order as `is_latest` (dbt_project/macros/vintage.sql): a relay that repeats its publisher
# comes last, then the date, then the precedence of documents. A vintage is superseded on the day
# that the first better one appears; one that was never the best on any day is left out, and so are
# rows without a date (undated copies). Derived rows carry the edition and date of their inputs.
# A view, because a view finds its table whatever name the file is attached under; a macro does not.
KNOWN_VIEW = """
CREATE VIEW {catalog}.main.city_indicator_known AS
SELECT
    * EXCLUDE (better_from),
    published_on AS known_from,
    better_from AS known_until,
    published_on_precision = 'assumed' AS rests_on_assumed_date
FROM (
    SELECT
        *,
        min(published_on) OVER (
            PARTITION BY place_code, indicator_id, year, scope
            ORDER BY is_repeat, published_on DESC, precedence, document, edition DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS better_from
    FROM main.city_indicator_year
    WHERE published_on IS NOT NULL
)
WHERE better_from IS NULL OR better_from > published_on
"""
KNOWN_COMMENT = (
    "各版次数值的已知期间：known_from 起，known_until（不含）止 / Vintages with the days on which "
    "each was the best known: known_from <= day and (known_until is null or known_until > day)"
)
KNOWN_COLUMNS = {
    "known_from": "已知起 / First day on which this vintage was the best known",
    "known_until": "已知止 / Day on which a better vintage appeared; null while it is the best",
    "rests_on_assumed_date": "依赖推定日期 / True when the date of publication is an assumed one",
}
AS_OF_MACRO = """
CREATE MACRO {catalog}.main.city_indicator_as_of(as_of) AS TABLE
SELECT * EXCLUDE (known_from, known_until)
FROM main.city_indicator_known
WHERE known_from <= CAST(as_of AS DATE)
    AND (known_until IS NULL OR known_until > CAST(as_of AS DATE))
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
        # A view binds its files when it is made; a reader finds them from the release folder.
        connection.execute(f"SET file_search_path = {literal(str(folder))}")
        for item in exported:
            _create_table(connection, item, folder)
        connection.execute("USE release")
        connection.execute(KNOWN_VIEW.format(catalog="release"))
        _comment_known(connection, exported)
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
    if item.parts:
        connection.execute(
            f"CREATE VIEW {name} AS SELECT * FROM read_parquet({literal(f'{item.path}/*.parquet')})"
        )
        comments = [f"COMMENT ON VIEW {name} IS {literal(table_comment(item.table))}"]
    else:
        _fill_table(connection, name, item, folder)
        comments = [f"COMMENT ON TABLE {name} IS {literal(table_comment(item.table))}"]
    comments += [
        f"COMMENT ON COLUMN {name}.{quote(column.name)} IS {literal(column_comment(column))}"
        for column in item.columns
    ]
    connection.execute("; ".join(comments))


def _fill_table(connection: DuckDBPyConnection, name: str, item: Exported, folder: Path) -> None:
    columns = ", ".join(
        f"{quote(c.name)} {c.type}{' NOT NULL' if c.name in item.table.key else ''}"
        for c in item.columns
    )
    connection.execute(f"CREATE TABLE {name} ({columns})")
    connection.execute(
        f"INSERT INTO {name} SELECT * FROM read_parquet({literal(str(folder / item.path))})"
    )


def _comment_known(connection: DuckDBPyConnection, exported: Sequence[Exported]) -> None:
    name = "release.main.city_indicator_known"
    [item] = [item for item in exported if item.table.name == "city_indicator_year"]
    columns = {column.name: column_comment(column) for column in item.columns} | KNOWN_COLUMNS
    comments = [f"COMMENT ON VIEW {name} IS {literal(KNOWN_COMMENT)}"]
    comments += [
        f"COMMENT ON COLUMN {name}.{quote(column)} IS {literal(text)}"
        for column, text in columns.items()
    ]
    connection.execute("; ".join(comments))


def description_en(table: Table) -> str:
    """The English description, with the traps where the table has some."""
    parts = [table.en, *([table.nuance] if table.nuance else [])]
    return ". ".join(parts) + (f" (deprecated: {table.deprecated})" if table.deprecated else "")


def table_comment(table: Table) -> str:
    """`中文 / English`."""
    return f"{table.zh} / {description_en(table)}"


def column_comment(column: Column) -> str:
    """`中文 / English [unit]`, the unit where there is one, and what replaces a deprecated one."""
    text = f"{column.zh} / {column.en}"
    if column.unit != "none":
        unit = column.unit.removeprefix("see:")
        text += f" [unit in column {unit}]" if column.unit.startswith("see:") else f" [{unit}]"
    return f"{text} (deprecated: {column.deprecated})" if column.deprecated else text

"""Read-only SQL on one release, shut off from every other file.

Belongs here: running a reader's query on `metrocircle.duckdb`. Not here: formatting the answer, or
finding the release (`publish.current_release`).
"""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.errors import MetrocircleError
from pipelines.release.database import FILE_NAME
from pipelines.release.parquet import literal, quote

_LOCKS = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    # A query must not see the Python variables of its caller as tables.
    "SET python_enable_replacements = false",
    "SET TimeZone = 'UTC'",
    # A large sort would spill into a file: a release folder is no place for one.
    "SET temp_directory = ''",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


class QueryRefused(MetrocircleError):
    """A query that fails, or that does more than read the release."""


def query(release_dir: Path, sql: str, limit: int | None = 1000) -> pl.DataFrame:
    """The first `limit` rows (all with None) of one SELECT on the release's database.

    Tables are named `city_indicator_year`, `tidy.observation`, `meta.lineage`. QueryRefused for
    anything but one statement that reads, for SQL that fails, and for a folder without a database.
    """
    if limit is not None and limit < 0:
        raise QueryRefused(f"the limit must not be negative, found {limit}")
    connection = open_locked(release_dir)
    try:
        _refuse_writes(connection, sql)
        connection.execute(sql)
        return _fetch(connection, limit)
    except duckdb.Error as error:
        raise QueryRefused(f"the query failed: {error}") from error
    except pl.exceptions.PolarsError as error:
        raise QueryRefused(
            f"a column has a type that cannot be shown ({error}); cast it to VARCHAR"
        ) from error
    finally:
        connection.close()


def records(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON can hold them.

    Decimals become numbers where a double holds them exactly and plain text where none does (never
    `1.2E+3`); what is not a finite number becomes null, since JSON knows no NaN.
    """
    return [{name: _plain(value) for name, value in row.items()} for row in frame.to_dicts()]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        number = float(value)
        if Decimal(repr(number)) != value:
            return f"{value:f}"
        return int(number) if number.is_integer() else number
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def open_locked(release_dir: Path) -> duckdb.DuckDBPyConnection:
    """A connection that can read the release and nothing else, and cannot be unlocked again."""
    path = release_dir / FILE_NAME
    if not path.is_file():
        raise QueryRefused(f"{release_dir.name} holds no {FILE_NAME}: is it a release folder?")
    # Attached, not opened: DuckDB shares one instance per opened file and process, and refuses a
    # second one whose settings differ.
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS metrocircle (READ_ONLY)")
        connection.execute("USE metrocircle")
        _open_views(connection, release_dir.resolve())
        for statement in _LOCKS:
            connection.execute(statement)
    except duckdb.Error as error:
        connection.close()
        raise QueryRefused(f"{FILE_NAME} of {release_dir.name} cannot be read: {error}") from error
    return connection


def _open_views(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Let views of partitioned tables read the release's own Parquet, and nothing else.

    They name it relative to the release folder, which DuckDB resolves by a setting but will not
    match with what it allows; so a temporary view of that name stands before each.
    """
    views = connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE database_name = 'metrocircle' AND NOT internal"
    ).fetchall()
    partitioned = [name for (name,) in views if (folder / "parquet" / name).is_dir()]
    for name in partitioned:
        files = literal(str(folder / "parquet" / name / "*.parquet"))
        connection.execute(f"CREATE TEMP VIEW {quote(name)} AS SELECT * FROM read_parquet({files})")
    connection.execute(f"SET allowed_directories = [{literal(str(folder / 'parquet'))}]")


def _refuse_writes(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise QueryRefused(f"expected one statement, found {len(statements)}")
    kind = statements[0].type
    if kind not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise QueryRefused(
            f"a release is read-only: expected SELECT, DESCRIBE, SUMMARIZE or EXPLAIN, "
            f"found {kind.name}"
        )


def _fetch(connection: duckdb.DuckDBPyConnection, limit: int | None) -> pl.DataFrame:
    reader = connection.to_arrow_reader(10_000)
    batches, rows = [], 0
    for batch in reader:
        batches.append(batch)
        rows += batch.num_rows
        if limit is not None and rows >= limit:
            break
    frame = (
        pl.from_arrow(batches, schema=None)
        if batches
        else pl.from_arrow(reader.schema.empty_table())
    )
    assert isinstance(frame, pl.DataFrame)
    return frame if limit is None else frame.head(limit)

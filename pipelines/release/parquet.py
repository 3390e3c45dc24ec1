"""Every contracted table as one Parquet file: typed, totally ordered, checked, hashed.

Belongs here: the export of tables to Parquet, the check of keys and types while exporting, the
logical hashes and the release id made from them. Not here: where the files go afterwards
(`publish`), or what is written about them (`metadata`).

Same rows give the same bytes and the same hashes, whatever the number of threads, the time zone
and the history of the DuckDB file they come from.
"""

from __future__ import annotations

import hashlib
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from pipelines.contract import Column, Contract, Table
from pipelines.errors import ContractBroken

# The size DuckDB uses for its own row groups; written down because a change changes the bytes.
ROW_GROUP_SIZE = 122_880
# A reader over HTTP that asks for one circle or one fact fetches and unpacks whole row groups. In
# tables up to this many rows they are small: an eighth of the bytes and of the time, for a fifth
# more of a file; beyond it the footers would outgrow what they save.
SMALL_TABLE = 1_000_000
SMALL_ROW_GROUP_SIZE = 4_096
_DIGESTS_PER_FETCH = 100_000
_WORK = "export_work"
# Casts to these types can lose something without an error (1.5 becomes 2). A double cannot hold
# every decimal, but a contract that says double has decided that.
_EXACT_TYPES = ("integer", "boolean", "date", "decimal")
# What DuckDB calls a column of a frame that holds nothing and has no type.
_UNTYPED = '"NULL"'


@dataclass(frozen=True)
class Exported:
    """One table of a release: its columns as released, its rows and its hashes.

    path: the Parquet file, relative to the release folder, with forward slashes; of a partitioned
        table the folder of its files, which `parts` names.
    schema_hash, content_hash: hex SHA-256 (see `schema_hash`, `content_hash`).
    """

    table: Table
    columns: tuple[Column, ...]
    rows: int
    schema_hash: str
    content_hash: str
    path: str
    parts: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        return self.parts or (self.path,)

    @property
    def qualified(self) -> str:
        return f"{self.table.schema}.{self.table.name}"


def quote(identifier: str) -> str:
    """The identifier in double quotes, so that any column name is safe in SQL."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def connect(threads: int | None = None, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An empty in-memory DuckDB that depends on neither locale nor time zone nor the network.

    spill: folder for intermediate data; without it DuckDB may use the current folder.
    """
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET preserve_insertion_order = true")
    # A Python variable must never stand in for a table that is absent.
    connection.execute("SET python_enable_replacements = false")
    if threads is not None:
        connection.execute(f"SET threads = {int(threads)}")
    if spill is not None:
        connection.execute(f"SET temp_directory = {literal(str(spill))}")
    return connection


def parquet_path(table: Table) -> str:
    """Where a table lies in a release: main at the top, the other schemas in their folder."""
    folder = "" if table.schema == "main" else f"{table.schema}/"
    return f"parquet/{folder}{table.name}{'' if table.partition_by else '.parquet'}"


# ---------------------------------------------------------------------------------- relations


def build_relations(
    connection: duckdb.DuckDBPyConnection, contract: Contract, build_db: Path, lake: Path
) -> dict[str, str]:
    """SQL relations of the tables that dbt and the extract step made, by table name.

    The build database is attached read-only as `build`. ContractBroken when it is absent or when
    the lake holds no slice of a table: an empty table must arrive as an empty slice.
    """
    if not build_db.is_file():
        raise ContractBroken(
            f"the build database {build_db.name} is not there: run the build first"
        )
    connection.execute(f"ATTACH {literal(str(build_db))} AS build (READ_ONLY)")
    relations = {}
    for table in contract.tables.values():
        if table.made_by == "dbt":
            relations[table.name] = f"build.{quote(table.schema)}.{quote(table.name)}"
        elif table.made_by == "extract":
            relations[table.name] = _lake_relation(table, lake)
    return relations


def _lake_relation(table: Table, lake: Path) -> str:
    files = sorted((lake / table.name).glob("*.parquet"))
    slices = [file for file in files if not file.name.startswith(".")]
    if not slices:
        raise ContractBroken(
            f"{table.schema}.{table.name}: the lake holds no slice of it "
            f"(expected lake/{table.name}/<slice>.parquet): run the extract step"
        )
    return f"read_parquet([{', '.join(literal(str(file)) for file in slices)}])"


def frame_relations(
    connection: duckdb.DuckDBPyConnection, frames: Mapping[str, pl.DataFrame]
) -> dict[str, str]:
    """SQL relations of polars frames, by table name."""
    for name, frame in frames.items():
        connection.register(f"frame_{name}", frame.to_arrow())
    return {name: quote(f"frame_{name}") for name in frames}


# ------------------------------------------------------------------------------------- export


def export(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    relations: Mapping[str, str],
    folder: Path,
) -> list[Exported]:
    """Write each named table to `folder/parquet/…` and return what was written.

    Files of tables that are not named may lie there already: the registry of indicators is read
    from its own.

    Raises ContractBroken, naming table, column and key, for an absent column, a value that does
    not fit its type, a double that is not a number, and a key that is null or not unique.
    """
    there = folder / parquet_path(contract.table("indicator"))
    registry = _indicator_columns(connection, there) if there.is_file() else {}
    exported = []
    # The registry comes first, because wide tables take their extra columns from it.
    for name in sorted(relations, key=lambda item: (item != "indicator", item)):
        table = contract.table(name)
        exported.append(
            _export_table(
                connection,
                contract,
                table,
                relation=relations[name],
                registry=registry,
                folder=folder,
            )
        )
        if name == "indicator":
            registry = _indicator_columns(connection, folder / parquet_path(table))
    return exported


def _export_table(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: Table,
    *,
    relation: str,
    registry: Mapping[str, Column],
    folder: Path,
) -> Exported:
    found = _describe(connection, table, relation)
    columns = _released_columns(table, found, registry)
    if table.partition_by:
        return _export_parts(connection, contract, table, columns, found, relation, folder)
    _materialise(connection, table, columns, found, relation)
    _check_finite(connection, table, columns)
    _check_key(connection, table)
    shape = schema_hash(f"{table.schema}.{table.name}", columns)
    content, rows = content_hash(connection, _WORK, [c.name for c in columns], table.order)
    path = parquet_path(table)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy(connection, contract, table, rows, shape + content, target)
    connection.execute(f"DROP TABLE {_WORK}")
    return Exported(table, columns, rows, shape, content, path)


def _export_parts(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: Table,
    columns: tuple[Column, ...],
    found: Mapping[str, str],
    relation: str,
    folder: Path,
) -> Exported:
    """One file per value of the partition column; one empty file where there are no rows.

    Such a table is too large to hash row by row: its content hash is over the bytes of its files,
    which the same rows and the same DuckDB (fixed by the lock file) make alike. Its key is checked
    in each part: the partition column tells the parts apart.
    """
    shape = schema_hash(f"{table.schema}.{table.name}", columns)
    by = quote(table.partition_by)
    values = [
        str(value)
        for (value,) in connection.execute(
            f"SELECT DISTINCT {by} FROM {relation} ORDER BY 1"
        ).fetchall()
    ]
    path = parquet_path(table)
    (folder / path).mkdir(parents=True)
    parts, rows = {}, 0
    for value in values or ["none"]:
        part = f"(SELECT * FROM {relation} WHERE CAST({by} AS VARCHAR) = {literal(value)})"
        _materialise(connection, table, columns, found, part)
        _check_finite(connection, table, columns)
        _check_key(connection, table)
        # A value may hold what no file name may.
        name = f"{path}/{urllib.parse.quote(value, safe='')}.parquet"
        counted = connection.execute(f"SELECT count(*) FROM {_WORK}").fetchone()
        held = int(counted[0]) if counted else 0
        _copy(connection, contract, table, held, shape, folder / name)
        rows += held
        parts[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        connection.execute(f"DROP TABLE {_WORK}")
    return Exported(table, columns, rows, shape, parts_hash(parts), path, tuple(parts))


def parts_hash(parts: Mapping[str, str]) -> str:
    """The content hash of a partitioned table: SHA-256 over the names and hashes of its files."""
    pieces = (_netstring(text) for part in sorted(parts.items()) for text in part)
    return hashlib.sha256(b"".join(pieces)).hexdigest()


def _copy(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    table: Table,
    rows: int,
    hashed: str,
    target: Path,
) -> None:
    metadata = {
        "schema_version": contract.schema_version,
        "table_hash": hashlib.sha256(hashed.encode()).hexdigest(),
    }
    entries = ", ".join(f"{key}: {literal(value)}" for key, value in metadata.items())
    group = SMALL_ROW_GROUP_SIZE if rows <= SMALL_TABLE else ROW_GROUP_SIZE
    # Several threads cut a table of a few thousand rows into groups of other lengths.
    threads = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
    if rows <= SMALL_TABLE:
        connection.execute("SET threads = 1")
    connection.execute(
        f"COPY (SELECT * FROM {_WORK} ORDER BY {_order_by(table.order)}) "
        f"TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd, "
        f"ROW_GROUP_SIZE {group}, KV_METADATA {{{entries}}})"
    )
    connection.execute(f"SET threads = {int(threads)}")


def _describe(connection: duckdb.DuckDBPyConnection, table: Table, relation: str) -> dict[str, str]:
    """Column names and types of the relation as it arrived."""
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.Error as error:
        raise ContractBroken(f"{table.schema}.{table.name}: cannot be read: {error}") from error
    return {name: kind for name, kind, *_ in described}


def _released_columns(
    table: Table, found: Mapping[str, str], registry: Mapping[str, Column]
) -> tuple[Column, ...]:
    """The contract's columns, then those an open table adds, in alphabetical order.

    Columns that a closed table has beyond the contract stay in the build database.
    """
    where = f"{table.schema}.{table.name}"
    for column in table.columns:
        if column.name not in found:
            raise ContractBroken(f"{where}: column {column.name} of the contract is not there")
    if not table.open:
        return table.columns
    extra = sorted(found.keys() - set(table.column_names))
    unknown = [name for name in extra if name not in registry]
    if unknown:
        raise ContractBroken(
            f"{where}: column {unknown[0]} is neither in the contract nor an indicator_id of "
            "main.indicator"
        )
    return (*table.columns, *(registry[name] for name in extra))


def _indicator_columns(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, Column]:
    rows = connection.execute(
        "SELECT indicator_id, coalesce(unit, 'none'), coalesce(name_zh, indicator_id), "
        f"coalesce(name_en, indicator_id) FROM read_parquet({literal(str(path))})"
    ).fetchall()
    return {name: Column(name, "double", unit, zh, en) for name, unit, zh, en in rows}


def _materialise(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    columns: Sequence[Column],
    found: Mapping[str, str],
    relation: str,
) -> None:
    """Create the sorted, typed working table; ContractBroken for values that do not fit."""
    doubtful = [
        c
        for c in columns
        if c.type.startswith(_EXACT_TYPES) and found[c.name] not in (c.type.upper(), _UNTYPED)
    ]
    casts = ", ".join(f"CAST({quote(c.name)} AS {c.type}) AS {quote(c.name)}" for c in columns)
    try:
        for column in doubtful:
            _check_exact(connection, table, column, found[column.name], relation)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_WORK} AS SELECT {casts} FROM {relation} "
            f"ORDER BY {_order_by(table.order)}"
        )
    except duckdb.ConversionException as error:
        for column in columns:
            _check_castable(connection, table, column, relation)
        raise ContractBroken(f"{table.schema}.{table.name}: {error}") from error


def _check_exact(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    column: Column,
    arrived: str,
    relation: str,
) -> None:
    name = quote(column.name)
    _refuse_first(
        connection,
        table,
        relation,
        condition=f"CAST(TRY_CAST({name} AS {column.type}) AS {arrived}) IS DISTINCT FROM {name}",
        column=column.name,
        flaw=f"does not fit {column.type} without a loss",
    )


def _check_castable(
    connection: duckdb.DuckDBPyConnection, table: Table, column: Column, relation: str
) -> None:
    name = quote(column.name)
    _refuse_first(
        connection,
        table,
        relation,
        condition=f"TRY_CAST({name} AS {column.type}) IS NULL AND {name} IS NOT NULL",
        column=column.name,
        flaw=f"is no {column.type}",
    )


def _check_finite(
    connection: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[Column]
) -> None:
    # An infinity is a division by zero that nobody looked at; absent is NULL.
    doubles = [quote(c.name) for c in columns if c.type == "double"]
    if not doubles:
        return
    bad = " OR ".join(f"NOT isfinite({name})" for name in doubles)
    if _first(connection, _WORK, bad, ["1"]) is None:
        return
    for column in columns:
        if column.type == "double":
            condition = f"NOT isfinite({quote(column.name)})"
            _refuse_first(
                connection,
                table,
                _WORK,
                condition=condition,
                column=column.name,
                flaw="is not a finite number",
            )


def _check_key(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    for name in table.key:
        condition = f"{quote(name)} IS NULL"
        flaw = "is null, and it is in the key"
        _refuse_first(connection, table, _WORK, condition=condition, column=name, flaw=flaw)
    key = ", ".join(quote(name) for name in table.key)
    twice = connection.execute(
        f"SELECT {key}, count(*) FROM {_WORK} GROUP BY {key} HAVING count(*) > 1 "
        f"ORDER BY {key} LIMIT 1"
    ).fetchone()
    if twice is not None:
        raise ContractBroken(
            f"{table.schema}.{table.name}: the key ({', '.join(table.key)}) is not unique: "
            f"{_named(table.key, twice)} occurs {twice[-1]} times"
        )


def _refuse_first(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    relation: str,
    *,
    condition: str,
    column: str,
    flaw: str,
) -> None:
    row = _first(connection, relation, condition, [quote(column), *map(quote, table.key)])
    if row is not None:
        raise ContractBroken(
            f"{table.schema}.{table.name}: column {column} {flaw}: found {row[0]!r} "
            f"at {_named(table.key, row[1:])}"
        )


def _first(
    connection: duckdb.DuckDBPyConnection, relation: str, condition: str, select: Iterable[str]
) -> tuple[object, ...] | None:
    return connection.execute(
        f"SELECT {', '.join(select)} FROM {relation} WHERE {condition} ORDER BY ALL LIMIT 1"
    ).fetchone()


def _named(names: Sequence[str], values: Sequence[object]) -> str:
    pairs = zip(names, values, strict=False)
    return ", ".join(
        f"{name}={str(value) if value is not None else None!r}" for name, value in pairs
    )


def _order_by(order: Sequence[str]) -> str:
    return ", ".join(f"{quote(name)} ASC NULLS LAST" for name in order)


# ------------------------------------------------------------------------------------- hashes


def schema_hash(qualified: str, columns: Iterable[Column]) -> str:
    """SHA-256 over the table's name and its columns' names and types, in order."""
    parts = [qualified, *(part for c in columns for part in (c.name, c.type.lower()))]
    return hashlib.sha256(b"".join(_netstring(part) for part in parts)).hexdigest()


def content_hash(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[str],
    order: Sequence[str],
) -> tuple[str, int]:
    """SHA-256 over the SHA-256 of each row's text, in the table's total order; and the row count.

    A row's text is the netstring (`<bytes>:<text>`) of each value, `-1:` for NULL: it can be read
    back in one way only, so no separator inside a value and no empty text imitates another row.
    """
    pieces = []
    for name in columns:
        text = f"CAST({quote(name)} AS VARCHAR)"
        # concat leaves a NULL out; a chain of || takes more than twice as long to plan and to run.
        pieces.append(f"coalesce(strlen({text}), -1), ':', {text}")
    cursor = connection.execute(
        f"SELECT sha256(concat({', '.join(pieces)})) FROM {relation} ORDER BY {_order_by(order)}"
    )
    digest, rows = hashlib.sha256(), 0
    while batch := cursor.fetchmany(_DIGESTS_PER_FETCH):
        digest.update("".join(row[0] for row in batch).encode("ascii"))
        rows += len(batch)
    return digest.hexdigest(), rows


def release_id(schema_version: str, tables: Iterable[tuple[str, str, str]]) -> str:
    """First 16 hex digits of SHA-256 over the sorted (table, schema hash, content hash).

    Every released table takes part, meta included: none holds a run time or an access date.
    """
    parts = [schema_version, *(part for entry in sorted(tables) for part in entry)]
    return hashlib.sha256(b"".join(_netstring(part) for part in parts)).hexdigest()[:16]


def _netstring(text: str) -> bytes:
    data = text.encode("utf-8")
    return b"%d:%s" % (len(data), data)

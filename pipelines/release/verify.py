"""Is this folder the release it says it is? Every byte, row count and hash is looked at again.

Belongs here: checks of a release folder against its own MANIFEST and release.json. Not here: checks
of the data against the world (quality), or any repair.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.archive.store import sha256_of
from pipelines.contract import Column
from pipelines.release import metadata, parquet
from pipelines.release.database import FILE_NAME
from pipelines.release.parquet import literal, quote

_HEX = set("0123456789abcdef")
_DATABASE_TABLES = (
    "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'release'"
)


@dataclass(frozen=True)
class Problem:
    """One flaw of a release.

    kind: missing | extra | bytes | manifest | document | schema | rows | content | unreadable.
    """

    path: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.kind}: {self.message}"


def verify(
    release_dir: Path, threads: int | None = None, proved: Collection[str] = ()
) -> list[Problem]:
    """All flaws of the release, none if it is sound.

    Compares every file with MANIFEST.sha256, then reads every table from Parquet and from DuckDB
    and recomputes rows, types, hashes and the release id. A file whose bytes changed is reported
    and not opened: a damaged database may take the reader down.

    proved: Parquet files whose rows were read before under the same hash; of those the bytes are
        compared, and the rows that the database holds of them.
    """
    if not release_dir.is_dir():
        return [Problem(release_dir.name, "missing", "there is no such release folder")]
    problems, sound = _check_manifest(release_dir)
    document = _read_document(release_dir, sound, problems)
    if document is None:
        return problems
    tables: dict[str, Any] = document["tables"]
    connection = parquet.connect(threads)
    try:
        for name in sorted(tables):
            path = tables[name]["path"]
            if parts := tables[name].get("parts"):
                if sound.issuperset(parts):
                    problems += _check_parts(connection, name, tables[name], release_dir)
            elif path in sound and path not in proved:
                relation = f"read_parquet({literal(str(release_dir / path))})"
                problems += _check_table(connection, name, tables[name], relation, path)
        if FILE_NAME in sound:
            problems += _check_database(connection, release_dir, tables)
    finally:
        connection.close()
    return problems


# ----------------------------------------------------------------------------------- MANIFEST


def _check_manifest(folder: Path) -> tuple[list[Problem], set[str]]:
    """The flaws, and the paths whose bytes are those of the manifest."""
    name = metadata.MANIFEST_FILE
    if not (folder / name).is_file():
        return [Problem(name, "missing", "without it nothing can be verified")], set()
    try:
        text = (folder / name).read_text(encoding="utf-8", errors="strict")
        listed = _parse_manifest(text)
    except ValueError as error:
        return [Problem(name, "manifest", f"cannot be read: {error}")], set()
    problems, sound = [], set()
    if metadata.manifest_text(listed).encode() != (folder / name).read_bytes():
        problems.append(Problem(name, "manifest", "is not in the form a release writes"))
    found = dict(_files(folder))
    found.pop(name)
    for path in sorted(listed.keys() | found.keys()):
        if path not in found:
            problems.append(Problem(path, "missing", f"{name} lists it"))
        elif path not in listed:
            problems.append(Problem(path, "extra", f"{name} does not list it"))
        elif not found[path]:
            problems.append(Problem(path, "extra", "is a link or no regular file"))
        elif (digest := sha256_of(folder / path)) != listed[path]:
            problems.append(
                Problem(path, "bytes", f"expected sha256 {listed[path]}, found {digest}")
            )
        else:
            sound.add(path)
    return problems, sound


def _parse_manifest(text: str) -> dict[str, str]:
    listed: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        digest, separator, path = line.partition("  ")
        if not separator or len(digest) != 64 or not set(digest) <= _HEX or not path:
            raise ValueError(f"line {number} is not `sha256  path`")
        listed[path] = digest
    return listed


def _files(folder: Path) -> Iterator[tuple[str, bool]]:
    """(relative path, is a regular file) of everything in the folder that is not a real folder."""
    for parent, folders, files in os.walk(folder, followlinks=False):
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in (*files, *linked):
            path = Path(parent) / name
            regular = path.is_file() and not path.is_symlink()
            yield path.relative_to(folder).as_posix(), regular


# ------------------------------------------------------------------------------- release.json


def _read_document(folder: Path, sound: set[str], problems: list[Problem]) -> dict[str, Any] | None:
    """release.json, or None when no table can be checked by it; adds its own flaws."""
    name = metadata.RELEASE_FILE
    if name not in sound:
        if not any(problem.path == name for problem in problems):
            problems.append(Problem(name, "missing", "the tables cannot be verified without it"))
        return None
    try:
        document = json.loads((folder / name).read_text(encoding="utf-8"))
        expected = parquet.release_id(
            document["schema_version"],
            [(t, e["schema_hash"], e["content_hash"]) for t, e in document["tables"].items()],
        )
        if document["release_id"] != expected:
            message = f"says id {document['release_id']}, its tables give {expected}"
            problems.append(Problem(name, "document", message))
        paths = {
            path
            for entry in document["tables"].values()
            for path in entry.get("parts", [entry["path"]])
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problems.append(Problem(name, "document", f"is not a release document: {error!r}"))
        return None
    for path in sorted(paths - sound - {problem.path for problem in problems}):
        problems.append(Problem(path, "missing", f"{name} names it"))
    for path in sorted(path for path in sound - paths if path.endswith(".parquet")):
        problems.append(Problem(path, "extra", f"{name} does not name it"))
    if FILE_NAME not in sound | {problem.path for problem in problems}:
        problems.append(Problem(FILE_NAME, "missing", "a release holds its tables in it"))
    return document


# ------------------------------------------------------------------------------------- tables


def _check_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    entry: dict[str, Any],
    relation: str,
    path: str,
) -> list[Problem]:
    where = path if path != FILE_NAME else f"{FILE_NAME} {name}"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        columns = [Column(column, kind.lower(), "", "", "") for column, kind, *_ in described]
        shape = parquet.schema_hash(name, columns)
        if shape != entry["schema_hash"]:
            return [Problem(where, "schema", f"its columns or types are not those of {name}")]
        names = [column.name for column in columns]
        content, rows = parquet.content_hash(connection, relation, names, entry["order"])
    except duckdb.Error as error:
        return [Problem(where, "unreadable", str(error))]
    if rows != entry["rows"]:
        return [Problem(where, "rows", f"expected {entry['rows']}, found {rows}")]
    if content != entry["content_hash"]:
        message = f"expected content {entry['content_hash']}, found {content}"
        return [Problem(where, "content", message)]
    return []


def _check_parts(
    connection: duckdb.DuckDBPyConnection, name: str, entry: dict[str, Any], folder: Path
) -> list[Problem]:
    files = ", ".join(literal(str(folder / part)) for part in entry["parts"])
    try:
        relation = f"read_parquet([{files}])"
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
        counted = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    except duckdb.Error as error:
        return [Problem(entry["path"], "unreadable", str(error))]
    columns = [Column(column, kind.lower(), "", "", "") for column, kind, *_ in described]
    if parquet.schema_hash(name, columns) != entry["schema_hash"]:
        message = f"its columns or types are not those of {name}"
        return [Problem(entry["path"], "schema", message)]
    if counted is None or counted[0] != entry["rows"]:
        message = f"expected {entry['rows']}, found {counted[0] if counted else 'none'}"
        return [Problem(entry["path"], "rows", message)]
    content = parquet.parts_hash({p: sha256_of(folder / p) for p in entry["parts"]})
    if content != entry["content_hash"]:
        message = f"expected content {entry['content_hash']}, found {content}"
        return [Problem(entry["path"], "content", message)]
    return []


def _check_database(
    connection: duckdb.DuckDBPyConnection, folder: Path, tables: dict[str, Any]
) -> list[Problem]:
    try:
        connection.execute(f"ATTACH {literal(str(folder / FILE_NAME))} AS release (READ_ONLY)")
        held = {row[0] for row in connection.execute(_DATABASE_TABLES).fetchall()}
    except duckdb.Error as error:
        return [Problem(FILE_NAME, "unreadable", str(error))]
    problems = []
    for name in sorted(held - tables.keys()):
        problems.append(Problem(FILE_NAME, "extra", f"table {name} is not in release.json"))
    for name in sorted(tables):
        if tables[name].get("parts"):
            continue  # a view of the files that were checked above
        if name not in held:
            problems.append(Problem(FILE_NAME, "missing", f"table {name} is not in it"))
            continue
        schema, _, table = name.partition(".")
        relation = f"release.{quote(schema)}.{quote(table)}"
        problems += _check_table(connection, name, tables[name], relation, FILE_NAME)
    return problems

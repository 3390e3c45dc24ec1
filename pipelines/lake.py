"""The lake: extract tables as Parquet, one file per slice, written whole or not at all.

Belongs here: reading and writing `warehouse/lake/<table>/<slice>.parquet` by contract.
Not here: what the rows mean, or whether they are right (expectations).
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import polars as pl

from pipelines.ahead import ahead
from pipelines.archive.store import sha256_of
from pipelines.contract import Table, polars_schema
from pipelines.errors import ContractBroken


def path_of(lake: Path, table: str, slice_: str) -> Path:
    return lake / table / f"{slice_}.parquet"


def conform(frame: pl.DataFrame, table: Table, is_sorted: bool = False) -> pl.DataFrame:
    """The frame in contract columns, types and order; ContractBroken names the first flaw.

    is_sorted: the rows are in the table's order already (millions of them take seconds to sort).
    """
    schema = polars_schema(table)
    if missing := [name for name in schema if name not in frame.columns]:
        raise ContractBroken(f"{table.name}: the extract lacks column {missing[0]!r}")
    try:
        frame = frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    except pl.exceptions.PolarsError as error:
        raise ContractBroken(f"{table.name}: {error}") from error
    return frame if is_sorted else frame.sort(list(table.order), nulls_last=True)


def write(
    lake: Path, table: Table, slice_: str, frame: pl.DataFrame, is_sorted: bool = False
) -> Path:
    """Write one slice: beside its target, synced, then renamed over the old one."""
    target = path_of(lake, table.name, slice_)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as handle:
            conform(frame, table, is_sorted).write_parquet(handle, compression="zstd")
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def write_parts(lake: Path, table: Table, slice_: str, frames: Iterable[pl.DataFrame]) -> int:
    """Write one slice frame by frame, each in its own order; the number of rows.

    For slices that do not fit into memory: a frame is made while the one before is written, and no
    more than these two are held. The order of the frames is the order of the rows, so the
    caller must give them in a fixed one. Texts should repeat themselves: they go to Parquet as the
    dictionaries that it would make of them anyway, in half the time.
    """
    import pyarrow.parquet as pq

    target = path_of(lake, table.name, slice_)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    rows = 0
    try:
        dictionaries = pl.col(pl.String).cast(pl.Categorical)
        empty = pl.DataFrame(schema=polars_schema(table))
        schema = empty.with_columns(dictionaries).to_arrow().schema
        with (
            temporary.open("wb") as handle,
            # Without Arrow's schema beside it the file holds plain text for every reader.
            pq.ParquetWriter(handle, schema, compression="zstd", store_schema=False) as writer,
        ):
            for frame in ahead(frames):
                part = conform(frame, table, is_sorted=True).with_columns(dictionaries)
                writer.write_table(part.to_arrow().cast(schema))
                rows += frame.height
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return rows


def read(lake: Path, table: Table, slice_: str = "*") -> pl.DataFrame:
    """One slice or all of them; an empty frame of the contract's shape when there is none."""
    paths = sorted((lake / table.name).glob(f"{slice_}.parquet"))
    if not paths:
        return pl.DataFrame(schema=polars_schema(table))
    return pl.concat([pl.read_parquet(path) for path in paths])


def drop_stale(lake: Path, table: str, keep: set[str]) -> list[str]:
    """Remove slices nobody supplies any more; return their names."""
    gone = []
    for path in sorted((lake / table).glob("*.parquet")):
        if path.stem not in keep:
            path.unlink()
            gone.append(path.stem)
    return gone


def contents(lake: Path, tables: Iterable[str]) -> dict[str, str]:
    """SHA-256 by table over its slices, names and bytes: what a step that reads it rests on."""
    found = {}
    for table in tables:
        digest = hashlib.sha256()
        for path in sorted((lake / table).glob("*.parquet")):
            now = path.stat()
            sha256 = _sha256(path, now.st_size, now.st_mtime_ns, now.st_ino)
            digest.update(f"{path.name} {sha256}\n".encode())
        found[table] = digest.hexdigest()
    return found


@lru_cache(maxsize=4096)
def _sha256(path: Path, _size: int, _mtime_ns: int, _inode: int) -> str:
    """Several steps of a run ask for the same file; any write of it gives it another inode."""
    return sha256_of(path)

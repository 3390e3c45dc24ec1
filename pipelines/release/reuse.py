"""Tables of a new release that the release in use already holds: its files, linked, not made again.

Belongs here: which tables those are, the proof of their bytes, the links. Not here: how a table is
exported (`parquet`), or what a table rests on (the rooms that made it say).

A table stands when it rests on the same lake, models and code as the released one (`take_over`);
any other file is linked when it came out the same, byte for byte (`share_identical`). A file of the
release in use is hashed, never believed: a damaged one must not be carried on.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines import kept
from pipelines.archive.store import sha256_of
from pipelines.contract import Column, Contract
from pipelines.fingerprint import Hasher
from pipelines.release.parquet import Exported
from pipelines.settings import Settings

_TABLES = "tables"
_CODE = ("pipelines/release", "pipelines/contract.py", "requirements.lock")
# Open tables take the columns beyond the contract from it.
_REGISTRY = "indicator"


def writer(settings: Settings, contract: Contract) -> str:
    """A hash over what decides how rows become files, as this process has it."""
    parts = (Hasher(settings).of(_CODE), contract.fingerprint, version("duckdb"))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def take_over(
    settings: Settings, written_by: str, contract: Contract, previous: Path | None, folder: Path,
    rests_on: Mapping[str, str],
) -> list[Exported]:  # fmt: skip
    """Link into `folder` the files of every table that stands; those tables, as exported.

    written_by: of the `writer` of this release. previous: the release in use. rests_on: by table
    name, a hash over all that made its rows.
    """
    found = []
    held = kept.recall(settings, _TABLES, written_by) or {}
    for name, entry in held.items() if previous is not None else ():
        if entry["rests_on"] != _ground(contract, name, rests_on):
            continue
        if all(_is_sound(previous / file, digest) for file, digest in entry["files"].items()):
            for file in entry["files"]:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                _link(previous / file, folder / file)
            found.append(_exported(contract, name, entry))
    return found


def remember(
    settings: Settings, written_by: str, contract: Contract, release: Path,
    exported: Sequence[Exported], rests_on: Mapping[str, str],
) -> None:  # fmt: skip
    """Keep what the tables of a finished release rest on, for the next `take_over`."""
    held = {
        item.table.name: {
            "rests_on": _ground(contract, item.table.name, rests_on),
            "columns": [asdict(column) for column in item.columns],
            "rows": item.rows,
            "schema_hash": item.schema_hash,
            "content_hash": item.content_hash,
            "path": item.path,
            "parts": item.parts,
            "files": {file: sha256_of(release / file) for file in item.files},
        }
        for item in exported
        if item.table.name in rests_on
    }
    kept.keep(settings, _TABLES, written_by, held)


def share_identical(previous: Path, folder: Path, exported: Sequence[Exported]) -> None:
    """Replace files that the release in use holds byte for byte by hard links to them."""
    for file in (file for item in exported for file in item.files):
        new, old = folder / file, previous / file
        if not _is_sound(old, sha256_of(new)):
            continue
        link = new.with_name(f"{new.name}.link")
        try:
            link.hardlink_to(old)
        except OSError:
            return  # A file system without hard links: the copy stays.
        link.replace(new)


def _link(old: Path, new: Path) -> None:
    try:
        new.hardlink_to(old)
    except OSError:
        shutil.copyfile(old, new)


def _is_sound(path: Path, digest: str) -> bool:
    """Whether it is a file of these bytes; a link, or one that cannot be read, is not."""
    try:
        return not path.is_symlink() and path.is_file() and sha256_of(path) == digest
    except OSError:
        return False


def _exported(contract: Contract, name: str, entry: Mapping[str, Any]) -> Exported:
    return Exported(
        contract.table(name),
        tuple(Column(**column) for column in entry["columns"]),
        entry["rows"],
        entry["schema_hash"],
        entry["content_hash"],
        entry["path"],
        tuple(entry["parts"]),
    )


def _ground(contract: Contract, name: str, rests_on: Mapping[str, str]) -> str:
    own = rests_on.get(name, "")
    return f"{own} {rests_on.get(_REGISTRY, '')}" if contract.table(name).open else own

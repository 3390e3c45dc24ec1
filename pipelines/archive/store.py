"""Content-addressed store of raw bytes, and the append-only log of how they came.

Nothing here knows what the bytes mean; parsing lives in the source packages.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CHUNK = 1 << 20
_INCOMING = ".incoming."
# No copy and no answer of a server pauses so long between two pieces.
_ABANDONED_SECONDS = 3600


@dataclass(frozen=True)
class Snapshot:
    """One held file as evidence for one edition of one document.

    file: logical path (inside `sources/` or the drop folder), never a machine path.
    slice: unit of staleness the file belongs to, `<document>--<edition>` or `all`.
    reader: which of the source's readers takes it (`archive.offers.Claim`).
    """

    snapshot_id: str
    source_id: str
    document: str
    edition: str
    slice: str
    file: str
    sha256: str
    bytes: int
    source_kind: str
    path: Path
    reader: str = "transcription"

    def row(self) -> dict[str, str | int]:
        """The columns of the `snapshot` table."""
        return {
            "snapshot_id": self.snapshot_id,
            "source_id": self.source_id,
            "document": self.document,
            "edition": self.edition,
            "file": self.file,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "source_kind": self.source_kind,
        }


def snapshot_id(source_id: str, document: str, edition: str, sha256: str) -> str:
    """Deterministic id of a held file: 16 hex digits over source, document, edition and bytes."""
    text = "\x1f".join((source_id, document, edition, sha256))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, streamed."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def put(archive: Path, snapshot: Snapshot) -> Path:
    """Copy the bytes into `<archive>/<sha256>` unless they are there; return that path.

    Raises OSError when the source changed meanwhile.
    """
    target = archive / snapshot.sha256
    if target.exists():
        return target

    def unchanged(sha256: str) -> None:
        if sha256 != snapshot.sha256:
            raise OSError(f"{snapshot.file} changed while it was being archived")

    return _keep(archive, _chunks(snapshot.path), unchanged)[0]


def receive(archive: Path, chunks: Iterable[bytes]) -> tuple[Path, str, int]:
    """Keep bytes that come from elsewhere: (path, sha256, size). What `chunks` raises, goes on."""
    return _keep(archive, chunks, lambda _: None)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            yield chunk


def _keep(
    archive: Path, chunks: Iterable[bytes], check: Callable[[str], None]
) -> tuple[Path, str, int]:
    """The bytes under their hash, written beside their target, synced, then renamed.

    So a killed copy leaves no half file under a name that promises whole bytes.
    """
    archive.mkdir(parents=True, exist_ok=True)
    temporary = archive / f"{_INCOMING}{secrets.token_hex(8)}"
    digest, size = hashlib.sha256(), 0
    try:
        with temporary.open("wb") as sink:
            for chunk in chunks:
                digest.update(chunk)
                sink.write(chunk)
                size += len(chunk)
            sink.flush()
            os.fsync(sink.fileno())
        sha256 = digest.hexdigest()
        check(sha256)
        target = archive / sha256
        if not target.exists():
            temporary.chmod(0o444)
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target, sha256, size


def sweep(archive: Path) -> int:
    """Remove what killed copies left; how many. A copy at work, of a live client too, is young."""
    swept = 0
    for path in archive.glob(f"{_INCOMING}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()
                swept += 1
    return swept


def log(archive: Path, outcome: str, **fields: str | int) -> None:
    """Append one acquisition, failures included, to `<archive>/acquisitions.jsonl`."""
    entry = {"accessed": datetime.now(UTC).isoformat(timespec="seconds"), "outcome": outcome}
    append(archive / "acquisitions.jsonl", {**entry, **fields})


def append(path: Path, entry: Mapping[str, object], durable: bool = False) -> None:
    """Append one line of JSON; with `durable` it is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(entry, ensure_ascii=False, sort_keys=True)
    # One write of one line in append mode: concurrent writers do not interleave on a local disk.
    with path.open("ab+") as handle:
        # A line that a crash cut short must not swallow this one.
        if handle.seek(0, os.SEEK_END):
            handle.seek(-1, os.SEEK_END)
            if handle.read(1) != b"\n":
                line = "\n" + line
        handle.write(f"{line}\n".encode())
        if durable:
            handle.flush()
            os.fsync(handle.fileno())


def entries(path: Path) -> list[dict[str, Any]]:
    """The lines of such a file, oldest first; a line cut short by a crash is passed over."""
    rows = []
    if path.exists():
        # A cut may fall inside a character.
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(row, dict):
                rows.append(row)
    return rows

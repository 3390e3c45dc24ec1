"""Content-addressed store of raw bytes, and the append-only log of how they came.

Nothing here knows what the bytes mean; parsing lives in the source packages.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

CHUNK = 1 << 20


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

    The copy is written beside its target, synced, then renamed: a killed copy leaves no half file
    under a name that promises whole bytes. Raises OSError when the source changed meanwhile.
    """
    target = archive / snapshot.sha256
    if target.exists():
        return target
    archive.mkdir(parents=True, exist_ok=True)
    temporary = archive / f".{snapshot.sha256}.{secrets.token_hex(4)}"
    digest = hashlib.sha256()
    try:
        with snapshot.path.open("rb") as source, temporary.open("wb") as sink:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                sink.write(chunk)
            sink.flush()
            os.fsync(sink.fileno())
        if digest.hexdigest() != snapshot.sha256:
            raise OSError(f"{snapshot.file} changed while it was being archived")
        temporary.chmod(0o444)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def log(archive: Path, outcome: str, **fields: str | int) -> None:
    """Append one acquisition, failures included, to `<archive>/acquisitions.jsonl`."""
    archive.mkdir(parents=True, exist_ok=True)
    entry = {"accessed": datetime.now(UTC).isoformat(timespec="seconds"), "outcome": outcome}
    line = json.dumps({**entry, **fields}, ensure_ascii=False, sort_keys=True)
    # One write of one line in append mode: concurrent writers do not interleave on a local disk.
    with (archive / "acquisitions.jsonl").open("ab+") as handle:
        # A line that a crash cut short must not swallow this one.
        if handle.seek(0, os.SEEK_END):
            handle.seek(-1, os.SEEK_END)
            if handle.read(1) != b"\n":
                line = "\n" + line
        handle.write(f"{line}\n".encode())

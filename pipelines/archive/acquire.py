"""The ways in: embedded transcriptions and the drop folder (live clients join them per source).

Belongs here: which files are offered, under which document, edition and slice. Not here: their
content beyond the first line, which tells a transcription from anything else.

Path is identity: `sources/<source>/transcriptions/<document>/<edition>.csv` (or a folder of that
name) is the slice `<document>--<edition>`; files that a source declares are its slice `all`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.archive import guards
from pipelines.archive.store import Snapshot, sha256_of, snapshot_id
from pipelines.errors import RefusedInput
from pipelines.settings import Settings
from pipelines.sources import ALL, BY_NAME, SOURCES

# The first columns of our own transcriptions: how a dropped one is told from any other CSV.
TRANSCRIPTION_COLUMNS = (
    "document", "edition", "locator", "place", "indicator", "period", "scope", "unit", "value",
    "status", "source_kind", "read_from", "read_sha256", "read_locator", "note",
)  # fmt: skip


# Lists of the files that transcriptions were read from: evidence, not input.
ORIGINALS = "originals.csv"


@dataclass(frozen=True)
class Refusal:
    """A file that was offered and not taken in."""

    file: str
    outcome: str  # refused | no_parser | known_original
    reason: str


def slice_name(document: str, edition: str) -> str:
    return f"{document}--{edition}"


def _snapshot(source: str, document: str, edition: str, file: str, path: Path) -> Snapshot:
    sha256 = sha256_of(path)
    return Snapshot(
        snapshot_id=snapshot_id(source, document, edition, sha256),
        source_id=source,
        document=document,
        edition=edition,
        slice=slice_name(document, edition),
        file=file,
        sha256=sha256,
        bytes=path.stat().st_size,
        source_kind="transcription",
        path=path,
    )


def embedded(settings: Settings) -> list[Snapshot]:
    """Every file that the checkout itself brings, in a fixed order."""
    found = []
    for source in SOURCES:
        if source.is_sliced:
            for document, edition, path in _transcriptions(settings.sources, source.name):
                found.append(_snapshot(source.name, document, edition, _file(settings, path), path))
        paths = {path for pattern in source.files for path in settings.sources.glob(pattern)}
        for path in sorted(paths):
            if path.name == ORIGINALS:
                continue
            document = f"{source.name}_{path.stem}"
            whole = _snapshot(source.name, document, "undated", _file(settings, path), path)
            found.append(replace(whole, slice=ALL))
    return found


def _file(settings: Settings, path: Path) -> str:
    return f"sources/{path.relative_to(settings.sources).as_posix()}"


def _transcriptions(sources: Path, source: str) -> Iterator[tuple[str, str, Path]]:
    """(document, edition, file): `<document>/<edition>.csv`, or every CSV in that folder."""
    folder = sources / source / "transcriptions"
    for path in sorted(folder.glob("*/*.csv")):
        yield path.parent.name, path.stem, path
    for path in sorted(folder.glob("*/*/*.csv")):
        yield path.parent.parent.name, path.parent.name, path


def drop_folder(settings: Settings) -> tuple[list[Snapshot], list[Refusal]]:
    """What the drop folder offers: transcriptions taken in, everything else with its outcome.

    A dropped transcription may hold one (document, edition); it joins the embedded rows of that
    slice. Originals are recognised by their bytes where a transcription was read from them.
    """
    if settings.drop is None:
        return [], []
    taken: list[Snapshot] = []
    refused: list[Refusal] = []
    known = known_originals(settings.sources)
    for path in _files(settings.drop):
        name = path.relative_to(settings.drop).as_posix()
        try:
            media = guards.inspect(settings.drop, path)
            identity = _transcription(path) if media == "text" else None
        except RefusedInput as error:
            refused.append(Refusal(name, "refused", str(error)))
            continue
        if identity:
            taken.append(_snapshot("yearbook", *identity, f"drop/{name}", path))
        elif (sha256 := sha256_of(path)) in known:
            refused.append(
                Refusal(name, "known_original", f"already transcribed from {known[sha256]}")
            )
        else:
            refused.append(Refusal(name, "no_parser", f"{media}: no parser takes it yet"))
    return taken, refused


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and (path.is_symlink() or path.is_file()):
            yield path


def _transcription(path: Path) -> tuple[str, str] | None:
    """(document, edition) of a file in our transcription layout, None for any other text."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            if not set(TRANSCRIPTION_COLUMNS) <= set(reader.fieldnames or ()):
                return None
            first = next(reader, None)
    except (UnicodeDecodeError, csv.Error):
        return None
    if not first:
        return None
    document, edition = first["document"] or "", first["edition"] or ""
    for part in (document, edition):
        if not part or not all(c.isalnum() or c in "_-." for c in part) or part.startswith("."):
            raise RefusedInput(
                f"{path.name}: first row: expected a document and an edition made of letters, "
                f"digits, '_', '-' and '.', found {document!r} and {edition!r}"
            )
    return document, edition


def known_originals(sources: Path) -> dict[str, str]:
    """sha256 -> path of every original that the transcriptions were read from."""
    known = {}
    for path in sorted(sources.glob(f"**/{ORIGINALS}")):
        with path.open(encoding="utf-8", newline="") as handle:
            known.update({row["sha256"]: row["path"] for row in csv.DictReader(handle)})
    return known


def acquisitions(archive: Path) -> list[dict[str, str]]:
    """The acquisition log as rows, oldest first; a line cut short by a crash is passed over."""
    path = archive / "acquisitions.jsonl"
    rows = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return rows


def slice_names(settings: Settings, source: str) -> list[str]:
    """Names of the slices a sliced source has now, without hashing a byte."""
    names = {
        slice_name(document, edition)
        for document, edition, _ in _transcriptions(settings.sources, source)
    }
    if BY_NAME[source].files:
        names.add(ALL)
    if settings.drop is not None and source == "yearbook":
        for path in _files(settings.drop):
            try:
                if path.suffix == ".csv" and guards.inspect(settings.drop, path) == "text":
                    identity = _transcription(path)
                    names |= {slice_name(*identity)} if identity else set()
            except RefusedInput:
                continue  # `drop_folder` reports it
    return sorted(names)

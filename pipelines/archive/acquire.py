"""The ways in: embedded transcriptions and the drop folder (live clients join them per source).

Belongs here: which files are offered, under which document, edition and slice. Not here: their
content beyond the first line, which tells a transcription from anything else.

Path is identity: `sources/<source>/transcriptions/<document>/<edition>.csv` (or a folder of that
name) is the slice `<document>--<edition>`; the files of an unsliced source are its slice `all`.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.archive import guards
from pipelines.archive.store import Snapshot, sha256_of, snapshot_id
from pipelines.errors import MetrocircleError, RefusedInput
from pipelines.settings import Settings
from pipelines.sources import SOURCES

# The first columns of our own transcriptions: how a dropped one is told from any other CSV.
TRANSCRIPTION_COLUMNS = (
    "document", "edition", "locator", "place", "indicator", "period", "scope", "unit", "value",
    "status", "source_kind", "read_from", "read_sha256", "read_locator", "note",
)  # fmt: skip


# Lists of the files that transcriptions were read from: evidence, not input.
ORIGINALS = "originals.csv"
# Enough for a header and a first row; a file may be one line of 500 MB.
HEAD_BYTES = 1 << 16


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
            continue
        paths = {path for pattern in source.files for path in settings.sources.glob(pattern)}
        for path in sorted(paths):
            if path.name == ORIGINALS:
                continue
            document = f"{source.name}_{path.stem}"
            whole = _snapshot(source.name, document, "undated", _file(settings, path), path)
            found.append(replace(whole, slice="all"))
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
    slice. Originals are recognised by their bytes where a transcription was read from them, and so
    is a second copy of a transcription. MetrocircleError when the folder is gone: an unmounted disk
    must not look like withdrawn editions.
    """
    if settings.drop is None:
        return [], []
    if not settings.drop.is_dir():
        raise MetrocircleError(f"drop folder {settings.drop} is not a folder")
    taken: list[Snapshot] = []
    refused: list[Refusal] = []
    known = known_originals(settings.sources)
    held = {s.snapshot_id: s.file for s in embedded(settings)}
    for offer in _offers(settings.drop):
        name = offer.name
        if offer.refusal:
            refused.append(Refusal(name, "refused", offer.refusal))
            continue
        try:
            if offer.identity:
                found = _snapshot("yearbook", *offer.identity, f"drop/{name}", offer.path)
                if found.snapshot_id in held:
                    same = f"the same bytes as {held[found.snapshot_id]}"
                    refused.append(Refusal(name, "known_original", same))
                    continue
                held[found.snapshot_id] = found.file
                taken.append(found)
            elif (sha256 := sha256_of(offer.path)) in known:
                reason = f"already transcribed from {known[sha256]}"
                refused.append(Refusal(name, "known_original", reason))
            else:
                reason = f"{offer.media}: no parser takes it yet"
                refused.append(Refusal(name, "no_parser", reason))
        except OSError as error:
            refused.append(Refusal(name, "refused", f"{name}: {error.strerror or error}"))
    return taken, refused


@dataclass(frozen=True)
class _Offer:
    """One entry of the drop folder. refusal: why it may not be opened, empty if it may."""

    name: str
    path: Path
    media: str = ""
    identity: tuple[str, str] | None = None
    refusal: str = ""


def _offers(folder: Path) -> Iterator[_Offer]:
    """Every entry that is no folder and not hidden, looked at but not yet read whole."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        # Pipes and devices are reported too; `guards.inspect` refuses them without opening them.
        if path.is_dir() and not path.is_symlink():
            continue
        name = guards.shown(relative.as_posix())
        try:
            media = guards.inspect(folder, path)
            identity = _transcription(path) if media == "text" else None
        except RefusedInput as error:
            yield _Offer(name, path, refusal=str(error))
        except OSError as error:
            yield _Offer(name, path, refusal=f"{name}: {error.strerror or error}")
        else:
            yield _Offer(name, path, media, identity)


def _transcription(path: Path) -> tuple[str, str] | None:
    """(document, edition) of a file in our transcription layout, None for any other text.

    RefusedInput when it is meant as one and its encoding or its first row cannot be used.
    """
    with path.open("rb") as handle:
        head = handle.read(HEAD_BYTES)
    # Python's csv finds no header in a file of another width, so its ASCII is looked at first.
    ascii_header = head[:4096].replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    is_meant = ascii_header.startswith(",".join(TRANSCRIPTION_COLUMNS[:4]).encode())
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
        reader = csv.DictReader(io.StringIO(text, newline=""))
        if not set(TRANSCRIPTION_COLUMNS) <= set(reader.fieldnames or ()):
            return None
        first = next(reader, None)
    except (UnicodeDecodeError, csv.Error) as error:
        if is_meant:
            raise RefusedInput(
                f"{path.name}: expected a transcription in UTF-8, found other bytes ({error}); "
                "save it as CSV UTF-8"
            ) from error
        return None
    if not first:
        return None
    document, edition = first["document"] or "", first["edition"] or ""
    for part in (document, edition):
        # `--` parts the two in the name of the slice, `...` the ends of a range in Dagster.
        is_name = part and all(c.isalnum() or c in "_-." for c in part) and len(part) <= 60
        if not is_name or part.startswith(".") or "--" in part or ".." in part:
            raise RefusedInput(
                f"{path.name}: first row: expected a document and an edition made of letters, "
                f"digits, '_', '-' and '.', found {document[:80]!r} and {edition[:80]!r}"
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
        # A cut may fall inside a character.
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(row, dict):
                rows.append(row)
    return rows


def slice_names(settings: Settings, source: str) -> list[str]:
    """Names of the slices a sliced source has now, without hashing a byte."""
    names = {
        slice_name(document, edition)
        for document, edition, _ in _transcriptions(settings.sources, source)
    }
    if settings.drop is not None and source == "yearbook":
        # By content, as `drop_folder` does: a slice without a partition would never be extracted.
        names |= {slice_name(*o.identity) for o in _offers(settings.drop) if o.identity}
    return sorted(names)

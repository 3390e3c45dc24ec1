"""The ways in: embedded transcriptions, the drop folder and what live clients fetched.

Belongs here: which files are taken in, under which document, edition and slice. Not here: their
content (`offers` asks the sources what a file is).

Path is identity: `sources/<source>/transcriptions/<document>/<edition>.csv` (or a folder of that
name) is the slice `<document>--<edition>`; the files of an unsliced source are its slice `all`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.archive import guards, offers, store, withdraw
from pipelines.archive.offers import Claim, Recognised
from pipelines.archive.store import Snapshot, sha256_of, snapshot_id
from pipelines.errors import MetrocircleError
from pipelines.settings import Settings
from pipelines.sources import SOURCES

# Lists of the files that transcriptions were read from: evidence, not input.
ORIGINALS = "originals.csv"
# Below the warehouse: what live clients brought, offered like a drop folder.
FETCHED = "fetched"


@dataclass(frozen=True)
class Refusal:
    """A file that was offered and not taken in."""

    file: str
    outcome: str  # refused | unreadable | left_out | no_parser | known_original | withdrawn
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
    """Every file that the checkout itself brings, in a fixed order, withdrawn editions left out."""
    found = []
    withdrawn = withdraw.read(settings.sources)
    for source in SOURCES:
        if source.is_sliced:
            for document, edition, path in _transcriptions(settings.sources, source.name):
                if (document, edition) in withdrawn:
                    continue
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


def offered(settings: Settings) -> tuple[list[Snapshot], list[Refusal]]:
    """What the drop folder and the live clients offer: what is taken in, and the rest's outcome.

    A dropped file joins the embedded rows of its slice. Refused are a second copy of bytes that are
    held for the same edition and what no guard lets through; a file that no source claims is named,
    and so is an original that a transcription was read from. MetrocircleError when the drop folder
    is gone or all that was in it: an unmounted disk must not look like withdrawn editions.
    """
    if settings.drop is not None:
        _refuse_lost_folder(settings, settings.drop)
    taken: list[Snapshot] = []
    refused: list[Refusal] = []
    held: dict[str, str] = {}
    known: dict[str, str] = {}
    withdrawn = withdraw.read(settings.sources)
    for name, found in _recognised(settings):
        if not held:
            held = {s.snapshot_id: s.file for s in embedded(settings)}
            known = known_originals(settings.sources)
        if found.unreadable:
            refused.append(Refusal(name, "unreadable", found.unreadable))
        elif found.refusal:
            refused.append(Refusal(name, "refused", found.refusal))
        elif not found.claims and found.sha256 in known:
            reason = f"already transcribed from {known[found.sha256]}"
            refused.append(Refusal(name, "known_original", reason))
        elif found.left_out:
            refused.append(Refusal(name, "left_out", found.left_out))
        elif not found.claims:
            refused.append(Refusal(name, "no_parser", f"{found.media}: no parser takes it yet"))
        for claim in found.claims:
            if why := withdrawn.get((claim.document, claim.edition)):
                reason = f"{claim.document} {claim.edition} is withdrawn: {why}"
                refused.append(Refusal(name, "withdrawn", reason))
                continue
            snapshot = _offered_snapshot(name, found, claim)
            if snapshot.snapshot_id in held:
                same = f"the same bytes as {held[snapshot.snapshot_id]}"
                refused.append(Refusal(name, "known_original", same))
                continue
            held[snapshot.snapshot_id] = snapshot.file
            taken.append(snapshot)
    return taken, refused


def _refuse_lost_folder(settings: Settings, drop: Path) -> None:
    if not drop.is_dir():
        raise MetrocircleError(f"drop folder {drop} is not a folder")
    if settings.accept_changes or guards.walk(drop):
        return
    if lost := sum(file.startswith("drop/") for file in _held_bytes(settings)):
        raise MetrocircleError(
            f"drop folder {drop} is empty, but {lost} files of it are in use: is its disk mounted? "
            "If they are meant to go, run metrocircle refresh --accept"
        )


def _recognised(settings: Settings) -> Iterator[tuple[str, Recognised]]:
    """(name as people see it, outcome) of every offered file, dropped ones first."""
    for folder, prefix in ((settings.drop, ""), (settings.warehouse / FETCHED, f"{FETCHED}/")):
        if folder is not None and folder.is_dir():
            for found in offers.recognise(settings, folder):
                name = f"{prefix}{found.name}"
                yield name, _as_held(settings, name, found) if found.unreadable else found


def _as_held(settings: Settings, name: str, found: Recognised) -> Recognised:
    """A file that cannot be read, as the bytes that were taken in under its name and are in use.

    It is still supplied: a permission or a disk that fails must not look like a withdrawal.
    """
    path = settings.archive / _held_bytes(settings).get(logical(name), "-")
    if not path.is_file():
        return replace(found, unreadable=f"{found.unreadable}; it was never taken in")
    held = offers.look(settings, settings.archive, path, found.name)
    kept = f"{found.unreadable}; the bytes held of it stay in use"
    return replace(held, unreadable=kept)


def _held_bytes(settings: Settings) -> dict[str, str]:
    """Logical file -> sha256 of what the lake was made of; by the log where no state says it."""
    from pipelines import staleness  # it asks this module for its inputs

    rows = staleness.snapshots_in_lake(settings)
    if not rows:
        rows = [r for r in acquisitions(settings.archive) if r.get("outcome") == "archived"]
    return {row["file"]: row["sha256"] for row in rows if "file" in row and "sha256" in row}


def logical(name: str) -> str:
    """The logical path of an offered file, as snapshots and the log call it."""
    return name if name.startswith(f"{FETCHED}/") else f"drop/{name}"


def _offered_snapshot(name: str, found: Recognised, claim: Claim) -> Snapshot:
    return Snapshot(
        snapshot_id=snapshot_id(claim.source, claim.document, claim.edition, found.sha256),
        source_id=claim.source,
        document=claim.document,
        edition=claim.edition,
        slice=slice_name(claim.document, claim.edition),
        file=logical(name),
        sha256=found.sha256,
        bytes=found.path.stat().st_size,
        source_kind=claim.source_kind,
        path=found.path,
        reader=claim.reader,
    )


def known_originals(sources: Path) -> dict[str, str]:
    """sha256 -> path of every original that the transcriptions were read from."""
    known = {}
    for path in sorted(sources.glob(f"**/{ORIGINALS}")):
        with path.open(encoding="utf-8", newline="") as handle:
            known.update({row["sha256"]: row["path"] for row in csv.DictReader(handle)})
    return known


def acquisitions(archive: Path) -> list[dict[str, str]]:
    """The acquisition log as rows, oldest first; a line cut short by a crash is passed over."""
    return store.entries(archive / "acquisitions.jsonl")


def slice_names(settings: Settings, source: str) -> list[str]:
    """Names of the slices a sliced source has now, without hashing what is embedded."""
    held = {
        (document, edition) for document, edition, _ in _transcriptions(settings.sources, source)
    }
    # A slice without a partition would never be extracted.
    held |= {
        (claim.document, claim.edition)
        for _, found in _recognised(settings)
        for claim in found.claims
        if claim.source == source
    }
    withdrawn = withdraw.read(settings.sources)
    return sorted(slice_name(*edition) for edition in held if edition not in withdrawn)

"""What a file must prove before any parser may open it.

Belongs here: size, links, path traversal, media type by content, zip and xlsx bombs, XML entities.
Not here: what a table must look like (maps) or what its numbers must satisfy (expectations).
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipelines.errors import RefusedInput


@dataclass(frozen=True)
class Limits:
    """Upper bounds of what is opened. The largest original held is 1.6 MB, a CD zip about 25 MB."""

    file_bytes: int = 512 << 20
    unpacked_bytes: int = 2 << 30
    zip_ratio: int = 200
    zip_entries: int = 20_000
    nested_depth: int = 1


MAGIC = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole2"),
    (b"\x1f\x8b", "gzip"),
    (b"%PDF-", "pdf"),
    (b"PAR1", "parquet"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"Rar!", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
)
EXPECTED = {
    ".xls": {"ole2"},
    ".xlsx": {"xlsx"},
    ".zip": {"zip", "xlsx"},
    ".gz": {"gzip"},
    ".csv": {"text"},
    ".json": {"text"},
    ".geojson": {"text"},
    ".htm": {"html", "text"},
    ".html": {"html", "text"},
    ".xml": {"xml"},
    ".txt": {"text"},
    ".md": {"text"},
    ".pdf": {"pdf"},
}


def media_type(path: Path) -> str:
    """What the first bytes say the file is, whatever its name claims."""
    with path.open("rb") as handle:
        head = handle.read(4096)
    for magic, name in MAGIC:
        if head.startswith(magic):
            return "xlsx" if name == "zip" and _is_xlsx(path) else name
    # A UTF-16 text is full of NUL bytes, so its mark is looked at before the NUL test.
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    if b"\x00" in head:
        return "binary"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start[:2048]:
        return "html"
    return "xml" if start.startswith(b"<?xml") else "text"


def _is_xlsx(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "[Content_Types].xml" in archive.namelist()[:20_000]
    except (zipfile.BadZipFile, OSError):
        return False


def inside(root: Path, path: Path) -> Path:
    """`path` resolved, if it lies inside `root` and no link leads to it; else RefusedInput."""
    relative = path.relative_to(root)
    step = root
    for part in relative.parts:
        step = step / part
        if step.is_symlink():
            raise RefusedInput(f"{relative}: {part!r} is a link; put the file itself there")
    if not path.resolve().is_relative_to(root.resolve()):
        raise RefusedInput(f"{relative}: lies outside the folder it was offered in")
    if not path.is_file():
        raise RefusedInput(f"{relative}: not a regular file")
    return path


def inspect(root: Path, path: Path, limits: Limits | None = None) -> str:
    """The media type of a file that may be opened; RefusedInput says why one may not."""
    limits = limits or Limits()
    inside(root, path)
    name = path.relative_to(root).as_posix()
    size = path.stat().st_size
    if size == 0:
        raise RefusedInput(f"{name}: the file is empty")
    if size > limits.file_bytes:
        raise RefusedInput(f"{name}: {size} bytes, more than the {limits.file_bytes} allowed")
    media = media_type(path)
    wanted = EXPECTED.get(path.suffix.lower())
    if wanted and media not in wanted:
        raise RefusedInput(
            f"{name}: expected {' or '.join(sorted(wanted))} by its name, found {media} "
            "(a portal often answers with an error page under the name of the table)"
        )
    if media in {"zip", "xlsx"}:
        _inspect_zip(name, path, media, limits)
    if media == "xml":
        refuse_entities(name, path.read_bytes())
    return media


def _inspect_zip(name: str, path: Path, media: str, limits: Limits) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > limits.zip_entries:
                raise RefusedInput(
                    f"{name}: {len(entries)} entries, more than {limits.zip_entries}"
                )
            unpacked = sum(entry.file_size for entry in entries)
            packed = max(1, sum(entry.compress_size for entry in entries))
            if unpacked > limits.unpacked_bytes or unpacked > limits.zip_ratio * packed:
                raise RefusedInput(
                    f"{name}: unpacks to {unpacked} bytes from {packed}; refused as a zip bomb"
                )
            for entry in entries:
                member_path(entry.filename)
                if (entry.external_attr >> 16) & 0o170000 == 0o120000:
                    raise RefusedInput(f"{name}: member {entry.filename!r} is a link")
            if media == "xlsx":
                _inspect_xlsx(name, archive)
    except zipfile.BadZipFile as error:
        raise RefusedInput(f"{name}: damaged zip ({error})") from error


def _inspect_xlsx(name: str, archive: zipfile.ZipFile) -> None:
    for entry in archive.infolist():
        if entry.filename.endswith((".xml", ".rels")):
            with archive.open(entry) as handle:
                # A declaration of entities stands before the first element, in the first bytes.
                refuse_entities(f"{name}!{entry.filename}", handle.read(8192))


def refuse_entities(name: str, head: bytes) -> None:
    """RefusedInput when an XML text declares a document type: entities come no other way."""
    folded = head.replace(b"\x00", b"").upper()  # UTF-16 twins of the same words
    if b"<!DOCTYPE" in folded or b"<!ENTITY" in folded:
        raise RefusedInput(f"{name}: declares a document type or entities")


def member_path(member: str) -> PurePosixPath:
    """A zip member's path with `/`, or RefusedInput when it would climb out of the archive."""
    path = PurePosixPath(member.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        raise RefusedInput(f"member {member!r} climbs out of the archive")
    return path

"""What a file must prove before any parser may open it.

Belongs here: size, links, path traversal, media type by content, bombs (zip, xlsx, tar), XML
entities, walking a folder that others fill.
Not here: what a table must look like (maps) or what its numbers must satisfy (expectations).
"""

from __future__ import annotations

import gzip
import io
import os
import re
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from pipelines.errors import MetrocircleError, RefusedInput

# What zipfile raises on hostile bytes: damage, encryption (RuntimeError), unknown methods.
ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError,
    struct.error, OSError,
)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """Upper bounds of what is opened. The largest original held is 1.6 MB, a CD zip about 25 MB."""

    file_bytes: int = 512 << 20
    unpacked_bytes: int = 2 << 30
    zip_ratio: int = 200
    zip_entries: int = 20_000
    member_bytes: int = 512 << 20
    folders_deep: int = 64


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


# The ending that a file of tables should have, by what it is.
ENDING = {"html": ".htm", "xlsx": ".xlsx", "ole2": ".xls", "text": ".csv"}


def media_type(path: Path) -> str:
    """What the first bytes say the file is, whatever its name claims."""
    with path.open("rb") as handle:
        return _media(handle.read(4096), path)


def media_of(content: bytes) -> str:
    """The media type of bytes that came out of an archive."""
    return _media(content[:4096], io.BytesIO(content))


def _media(head: bytes, whole: Path | IO[bytes]) -> str:
    for magic, name in MAGIC:
        if head.startswith(magic):
            return "xlsx" if name == "zip" and _is_xlsx(whole) else name
    # A UTF-16 text is full of NUL bytes, so its mark is looked at before the NUL test.
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    if b"\x00" in head:
        return "binary"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start[:2048]:
        return "html"
    return "xml" if start.startswith(b"<?xml") else "text"


def _is_xlsx(whole: Path | IO[bytes]) -> bool:
    try:
        with zipfile.ZipFile(whole) as archive:
            return "[Content_Types].xml" in archive.namelist()[:20_000]
    except ZIP_ERRORS:
        return False


def shown(name: str) -> str:
    """A file name that is safe to print and to write as UTF-8."""
    return "".join(c if _is_plain(c) else ascii(c)[1:-1] for c in name)


def _is_plain(character: str) -> bool:
    # Control, format (right-to-left marks), half a surrogate pair (a name in GBK), line breaks.
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


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


def walk(folder: Path, limits: Limits | None = None) -> list[tuple[Path, str]]:
    """Every entry below a folder that is no folder and not hidden, in the order of their names, and
    why it may not be looked at, or nothing. Pipes, devices and links are entries; no link is
    followed.

    MetrocircleError when a folder cannot be read: what lies in it must not look withdrawn.
    """
    deepest = (limits or Limits()).folders_deep
    found: list[tuple[Path, str]] = []
    left = [(folder, 0)]
    while left:
        parent, depth = left.pop()
        try:
            with os.scandir(parent) as entries:
                visible = [(e.name, e.is_dir(follow_symlinks=False)) for e in entries]
        except OSError as error:
            raise MetrocircleError(
                f"folder {shown(str(parent))[-200:]} cannot be read ({error.strerror}); let this "
                "user read it or move it away"
            ) from error
        for name, is_folder in visible:
            path = parent / name
            if name.startswith("."):
                continue
            if not is_folder:
                found.append((path, ""))
            elif depth < deepest:
                left.append((path, depth + 1))
            else:
                found.append((path, f"the folder lies more than {deepest} folders deep"))
    return sorted(found)


def inspect(root: Path, path: Path, limits: Limits | None = None) -> str:
    """The media type of a file that may be opened; RefusedInput says why one may not."""
    limits = limits or Limits()
    name = path.relative_to(root).as_posix()
    if not all(map(_is_plain, name)):
        raise RefusedInput(
            f"{shown(name)}: the file name holds control characters or is not UTF-8; rename it"
        )
    inside(root, path)
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
            + (f"; if it holds the table, let it end in {ENDING[media]}" if media in ENDING else "")
        )
    if media in {"zip", "xlsx"}:
        _inspect_zip(name, path, size, media, limits)
    if media == "ole2":
        inspect_ole2(name, path)
    if media == "gzip" and is_tar(path):
        with _opened_tar(path, name, limits) as archive:
            for member in archive:
                _inspect_member(name, member, limits)
    if media == "xml":
        with path.open("rb") as handle:
            _refuse_entities_in(name, handle)
    return media


def inspect_member(name: str, content: bytes, limits: Limits | None = None) -> None:
    """RefusedInput when a workbook that lies in a zip is a bomb or declares entities."""
    _inspect_zip(name, io.BytesIO(content), len(content), "xlsx", limits or Limits())


def inspect_ole2(name: str, path: Path) -> None:
    """RefusedInput when the file ends before the last sector its allocation table uses.

    [MS-CFB] 2.2: sector shift at 30, number of FAT sectors at 44, their numbers from 76 on (109 of
    them, enough for 6.8 MB with small sectors; what lies beyond is not looked at).
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        head = handle.read(512)
        if len(head) < 512:
            raise RefusedInput(f"{name}: damaged OLE2 file (its header is cut short)")
        (shift,) = struct.unpack_from("<H", head, 30)
        if shift not in (9, 12):
            raise RefusedInput(f"{name}: damaged OLE2 file (sector size 2^{shift})")
        (count,) = struct.unpack_from("<I", head, 44)
        for place, sector in enumerate(struct.unpack_from(f"<{min(count, 109)}I", head, 76)):
            handle.seek((sector + 1) << shift)
            table = handle.read(1 << shift)
            entries = struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])
            used = [n for n, entry in enumerate(entries) if entry != 0xFFFFFFFF]
            last = (place << (shift - 2)) + used[-1] if used else -1
            # The last sector may be written short; one that does not begin is missing.
            if len(table) < 1 << shift or size <= (last + 1) << shift:
                raise RefusedInput(f"{name}: damaged OLE2 file (cut short at {size} bytes)")


# ------------------------------------------------------------------------------------- tar


class _Unpacking(io.BufferedIOBase):
    """A gzip stream that refuses to be read further, or in larger pieces, than the limits allow.

    A header of a tar says how long the next one is, and `tarfile` believes it.
    """

    def __init__(self, stream: gzip.GzipFile, name: str, size: int, limits: Limits) -> None:
        self.stream, self.name = stream, name
        self.piece = limits.member_bytes
        self.most = min(limits.unpacked_bytes, limits.zip_ratio * size)

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= self.piece:
            raise RefusedInput(f"{self.name}: a header or member of more than {self.piece} bytes")
        self._reach(self.stream.tell() + size)
        return self.stream.read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        self._reach(position)
        return self.stream.seek(position, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def _reach(self, position: int) -> None:
        # A little more for the zeros that end a tar: they pack to nothing.
        if position > self.most + (1 << 20):
            raise RefusedInput(f"{self.name}: unpacks to more than {self.most} bytes; a tar bomb")


def is_tar(path: Path) -> bool:
    """Whether a gzip file holds a tar, by the mark of its first header (POSIX ustar)."""
    try:
        with gzip.open(path) as stream:
            return stream.read(262)[257:] == b"ustar"
    except (OSError, EOFError, zlib.error):
        return False


@contextmanager
def _opened_tar(path: Path, name: str, limits: Limits) -> Iterator[tarfile.TarFile]:
    try:
        with gzip.open(path) as stream:
            bounded = _Unpacking(stream, name, path.stat().st_size, limits)
            # The mode without a bar seeks, and so skips what nobody asks for.
            with tarfile.open(fileobj=bounded, mode="r:") as archive:
                yield archive
    except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError) as error:
        raise RefusedInput(f"{name}: damaged tar ({error})") from error


def _inspect_member(name: str, member: tarfile.TarInfo, limits: Limits) -> None:
    try:
        member_path(member.name)
    except RefusedInput as error:
        raise RefusedInput(f"{name}: {error}") from error
    if not (member.isfile() or member.isdir()):
        raise RefusedInput(f"{name}: member {member.name!r} is a link or a device")
    if member.size > limits.member_bytes:
        raise RefusedInput(f"{name}: member {member.name!r} has {member.size} bytes")


def tar_members(path: Path, name: str, limits: Limits | None = None) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every file of a tar.gz, in its order; RefusedInput as `inspect`."""
    limits = limits or Limits()
    with _opened_tar(path, name, limits) as archive:
        for member in archive:
            _inspect_member(name, member, limits)
            handle = archive.extractfile(member) if member.isfile() else None
            if handle:
                yield member.name, handle.read()


# ------------------------------------------------------------------------------------- zip


def _inspect_zip(name: str, whole: Path | IO[bytes], size: int, media: str, limits: Limits) -> None:
    try:
        with zipfile.ZipFile(whole) as archive:
            entries = archive.infolist()
            if len(entries) > limits.zip_entries:
                raise RefusedInput(
                    f"{name}: {len(entries)} entries, more than {limits.zip_entries}"
                )
            unpacked = sum(entry.file_size for entry in entries)
            # Entries may share their bytes, so the file's own size is the bound.
            packed = max(1, min(size, sum(e.compress_size for e in entries)))
            if unpacked > limits.unpacked_bytes or unpacked > limits.zip_ratio * packed:
                raise RefusedInput(
                    f"{name}: unpacks to {unpacked} bytes from {packed}; refused as a zip bomb"
                )
            for entry in entries:
                try:
                    member_path(entry.filename)
                except RefusedInput as error:
                    raise RefusedInput(f"{name}: {error}") from error
                if (entry.external_attr >> 16) & 0o170000 == 0o120000:
                    raise RefusedInput(f"{name}: member {entry.filename!r} is a link")
            if media == "xlsx":
                _inspect_xlsx(name, archive)
    except ZIP_ERRORS as error:
        raise RefusedInput(f"{name}: damaged zip ({error})") from error


def _inspect_xlsx(name: str, archive: zipfile.ZipFile) -> None:
    for entry in archive.infolist():
        with archive.open(entry) as handle:
            # By content: a relation may point to a part of any name.
            if (
                handle.read(64).replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:1]
                == b"<"
            ):
                handle.seek(0)
                _refuse_entities_in(f"{name}!{shown(entry.filename)}", handle)


def _refuse_entities_in(name: str, handle: IO[bytes]) -> None:
    """The whole text in pieces that overlap: a long comment may stand before a declaration."""
    tail = b""
    while piece := handle.read(1 << 20):
        refuse_entities(name, tail + piece)
        tail = piece[-32:]


def refuse_entities(name: str, text: bytes) -> None:
    """RefusedInput when an XML text declares a document type: entities come no other way."""
    folded = text.replace(b"\x00", b"").upper()  # UTF-16 twins of the same words
    if b"<!DOCTYPE" in folded or b"<!ENTITY" in folded:
        raise RefusedInput(f"{name}: declares a document type or entities")


def member_path(member: str) -> PurePosixPath:
    """A zip member's path with `/`, or RefusedInput when it would climb out of the archive."""
    path = PurePosixPath(member.replace("\\", "/"))
    # `C:evil.csv` is relative to the current folder of drive C.
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", member):
        raise RefusedInput(f"member {member!r} climbs out of the archive")
    return path

"""How far the cells of a workbook reach, told before a reader holds them.

Belongs here: the last row and column of .xlsx parts and of .xls streams, from the bytes alone, and
which containers are no .xlsx whatever they hold. Not here: zip bombs, links and entities (guards),
reading a cell (workbook).

The reader keeps the whole rectangle of a sheet, so one cell in the last corner takes hundreds of
gigabytes and ends the process where nothing can catch it. Whatever spelling the reader accepts is
counted: other quotes, blanks, small letters, cells without an address, parts of any name.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator

from pipelines.archive import guards
from pipelines.errors import RefusedInput

# [MS-XLSX] and the Excel limits: no sheet is wider than XFD or longer than 2^20 rows.
MAX_COLUMNS = 16_384
MAX_ROWS = 1 << 20
# A reader holds the whole rectangle in memory, so one cell at XFD1048576 would take 400 GB.
MAX_GRID = 1 << 25
# [MS-XLS] 2.2.1: BIFF8 has 256 columns; a record has room for more.
XLS_COLUMNS = 256

# A cell that is not spelled as nearly every writer does, or lies beyond ZZ9999, which is in bounds.
_ODD_CELL = re.compile(rb'<(?:[\w.-]+:)?c(?=[\s/>])(?! r="[A-Z]{1,2}[0-9]{1,4}")')
_TOKEN = re.compile(
    rb"""(?P<hidden><!--|<!\[CDATA\[|<\?)"""
    rb"""|<(?:[\w.-]+:)?(?P<tag>[\w.-]+)(?P<said>(?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>"""
)
_ENDS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
_ADDRESS = re.compile(rb"""(?:^|\s)r\s*=\s*["']\s*([A-Za-z]*)([0-9]*)\s*["']""")
# The walk holds a part as a whole; a sheet of MAX_GRID cells is about as large.
_MOST_WALKED = 1 << 29
# Records that hold cells, by [MS-XLS] 2.3.1 and the older BIFF: row and column come first.
_CELL_RECORDS = frozenset(
    (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0xBD, 0xBE, 0xD6, 0xFD, 0x0201, 0x0203, 0x0204, 0x0205,
     0x0206, 0x027E, 0x0406)
)  # fmt: skip
_MANY = frozenset((0xBD, 0xBE))
_HEAD = struct.Struct("<HH")
_EXTENT = 0x0200
_EXTENTS = {10: "<HHHH", 14: "<IIHH"}
_FREE = 0xFFFFFFFA


def refuse_far_cells(content: bytes, media: str, name: str) -> None:
    """RefusedInput when a sheet reaches further than it may, or is none that the media has.

    media: `xlsx` or `ole2`, as `guards.media_of` says.
    """
    try:
        if media == "xlsx":
            _xlsx(content, name)
        else:
            _xls(content, name)
    except guards.ZIP_ERRORS as error:
        raise RefusedInput(f"{name}: not a workbook that can be read ({error})") from error


def _judge(name: str, rows: int, columns: int, most: int = MAX_COLUMNS) -> None:
    if rows > MAX_ROWS or columns > most or rows * columns > MAX_GRID:
        raise RefusedInput(
            f"{name}: a cell lies as far as row {rows}, column {columns}; a sheet of that size is "
            "refused"
        )


# ------------------------------------------------------------------ .xlsx
def _xlsx(content: bytes, name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        held = {entry.filename.lower() for entry in archive.infolist()}
        if "xl/workbook.xml" not in held or held & {"xl/workbook.bin", "content.xml"}:
            raise RefusedInput(f"{name}: not a workbook that can be read (no .xlsx inside)")
        for entry in archive.infolist():
            # By content: a relation may point to a part of any name.
            if not _is_near(archive, entry):
                if entry.file_size > _MOST_WALKED:
                    raise RefusedInput(f"{name}!{entry.filename}: {entry.file_size} bytes; refused")
                _judge(f"{name}!{entry.filename}", *_reach(archive.read(entry)))


def _is_near(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Whether every cell of a part is spelled as nearly every writer does, and is near."""
    with archive.open(entry) as handle:
        tail = b""
        while piece := handle.read(1 << 20):
            text = tail + piece
            # A tag that the piece cuts is looked at with the next one; its beginning is enough.
            cut = max(text.rfind(b"<", -64), 0) or len(text)
            if _ODD_CELL.search(text, 0, cut):
                return False
            tail = text[cut:]
    return not _ODD_CELL.search(tail)


def _reach(text: bytes) -> tuple[int, int]:
    """(rows, columns) that the cells of a sheet's XML reach, walked tag by tag."""
    rows = columns = row = column = at = 0
    while token := _TOKEN.search(text, at):
        if token["hidden"]:
            end = text.find(_ENDS[token["hidden"]], token.end())
            if end < 0:
                break
            at = end + 2
            continue
        at = token.end()
        if token["tag"] == b"row":
            found = _ADDRESS.search(token["said"])
            row, column = (int(found[2]) if found and found[2] else row + 1), 0
        elif token["tag"] == b"c":
            found = _ADDRESS.search(token["said"])
            if found and found[1] and found[2]:
                row, column = int(found[2]), _number(found[1].upper())
            else:
                column += 1
            rows, columns = max(rows, row), max(columns, column)
            if column > MAX_COLUMNS:
                break
    return rows, columns


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters[:8]:
        number = number * 26 + letter - 64
    return number


# ------------------------------------------------------------------ .xls
def _xls(content: bytes, name: str) -> None:
    for stream in _streams(content):
        rows = columns = at = 0
        end = len(stream) - 7
        unpack = _HEAD.unpack_from
        while at < end:
            kind, size = unpack(stream, at)
            if kind in _CELL_RECORDS:
                row, column = unpack(stream, at + 4)
                if kind in _MANY and 6 <= size <= len(stream) - at - 4:
                    (last,) = struct.unpack_from("<H", stream, at + 2 + size)
                    column = max(column, last)
                if row >= rows:
                    rows = row + 1
                if column >= columns:
                    columns = column + 1
            elif kind == _EXTENT and size in _EXTENTS and at + 4 + size <= len(stream):
                # A reader makes room for what the sheet says of itself.
                _, row, _, column = struct.unpack_from(_EXTENTS[size], stream, at + 4)
                rows, columns = max(rows, row), max(columns, column)
            at += 4 + size
        _judge(name, rows, columns, XLS_COLUMNS)


def _streams(content: bytes) -> Iterator[bytes]:
    """The streams of an OLE2 file that a reader takes for the workbook ([MS-CFB] 2)."""
    size = 1 << struct.unpack_from("<H", content, 30)[0]
    if size not in (512, 4096):
        raise ValueError(f"sectors of {size} bytes")
    directory, _, _, mini_table = struct.unpack_from("<IIII", content, 48)
    more = struct.unpack_from("<I", content, 68)[0]
    numbers = list(struct.unpack_from("<109I", content, 76))
    seen = set()
    while more < _FREE and more not in seen:
        seen.add(more)
        table = _words(_sector(content, more, size))
        numbers += table[:-1]
        more = table[-1] if table else _FREE
    fat = [word for n in numbers if n < _FREE for word in _words(_sector(content, n, size))]
    entries = _chain(content, fat, directory, size)
    root = b""
    for at in range(0, len(entries) - 127, 128):
        entry = entries[at : at + 128]
        (start,) = struct.unpack_from("<I", entry, 116)
        length = struct.unpack_from("<I", entry, 120)[0]
        if entry[66] == 5:
            root = _chain(content, fat, start, size)
            continue
        label = entry[: max(0, struct.unpack_from("<H", entry, 64)[0] - 2)]
        if entry[66] != 2 or label.decode("utf-16-le", "replace").lower() not in (
            "workbook", "book",
        ):  # fmt: skip
            continue
        if length >= 4096:
            yield _chain(content, fat, start, size)[:length]
        else:
            mini = _words(_chain(content, fat, mini_table, size))
            yield _chain(root, mini, start, 64, first=0)[:length]


def _sector(content: bytes, number: int, size: int, first: int = 1) -> bytes:
    return content[(number + first) * size : (number + first + 1) * size]


def _words(sector: bytes) -> list[int]:
    count = len(sector) // 4
    return list(struct.unpack(f"<{count}I", sector[: count * 4]))


def _chain(content: bytes, table: list[int], start: int, size: int, first: int = 1) -> bytes:
    """The sectors of one stream; a table that runs in a circle ends where it began."""
    parts = []
    for _ in range(len(table)):
        if start >= len(table):
            break
        parts.append(_sector(content, start, size, first))
        start = table[start]
    return b"".join(parts)

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
# Numbers of sectors that are none ([MS-CFB] 2.1): from here on reserved, unused, end of a chain.
_FREE, _UNUSED, _END = 0xFFFFFFFA, 0xFFFFFFFC, 0xFFFFFFFE


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
    """The streams of an OLE2 file that a reader takes for the workbook ([MS-CFB] 2).

    ValueError when a chain of sectors runs in a circle or leaves the file, or a length is larger
    than the file: the reader follows the one for ever and makes room for the others.
    """
    size = 1 << struct.unpack_from("<H", content, 30)[0]
    if size not in (512, 4096):
        raise ValueError(f"sectors of {size} bytes")
    directories, tables, directory = struct.unpack_from("<III", content, 40)
    mini_table, mini_tables, more = struct.unpack_from("<III", content, 60)
    for count in (directories, tables, mini_tables):
        _judge_length(content, count * size)
    numbers = list(struct.unpack_from("<109I", content, 76))
    seen = set()
    while more < _FREE:
        if more in seen:
            raise ValueError("its list of tables runs in a circle")
        seen.add(more)
        *table, more = _words(_sector(content, more, size))
        numbers += table
    fat = [word for n in numbers if n < _UNUSED for word in _words(_sector(content, n, size))]
    entries = _chain(content, fat, directory, size)
    held = [_entry(entries, at, size) for at in range(0, len(entries) - 127, 128)]
    if not held:
        raise ValueError("its directory is empty")
    # Small streams lie in the stream of the first entry, whatever its name and kind.
    _, start, length = held[0]
    _judge_length(content, length)
    root = _chain(content, fat, start, size)
    mini = _words(_chain(content, fat, mini_table, size)) if mini_tables else []
    # The reader goes by names alone; where there are macros it opens any stream.
    has_macros = any(label == "_vba_project_cur" for label, *_ in held)
    for label, start, length in held:
        is_workbook = label in ("workbook", "book")
        if not is_workbook and not (has_macros and length):
            continue
        _judge_length(content, length)
        if length >= 4096:
            stream = _chain(content, fat, start, size)
        else:
            stream = _chain(root, mini, start, 64, first=0)
        if is_workbook:
            yield stream[:length] if length else stream


def _entry(entries: bytes, at: int, size: int) -> tuple[str, int, int]:
    """(name in small letters, first sector, length) of one entry of the directory."""
    label = entries[at : at + 64].decode("utf-16-le", "replace").partition("\x00")[0]
    start, length = struct.unpack_from("<II" if size == 512 else "<IQ", entries, at + 116)
    return label.lower(), start, length


def _judge_length(content: bytes, length: int) -> None:
    # The last sector may be cut short.
    if length > len(content) + 4096:
        raise ValueError(f"says that it holds {length} bytes, more than the whole file")


def _sector(content: bytes, number: int, size: int, first: int = 1) -> bytes:
    found = content[(number + first) * size : (number + first + 1) * size]
    if not found:
        raise ValueError(f"sector {number} lies beyond the end of the file")
    return found


def _words(sector: bytes) -> list[int]:
    count = len(sector) // 4
    return list(struct.unpack(f"<{count}I", sector[: count * 4]))


def _chain(content: bytes, table: list[int], start: int, size: int, first: int = 1) -> bytes:
    """The sectors of one stream, to the mark of its end."""
    parts: list[bytes] = []
    while start != _END:
        if len(parts) > len(table):
            raise ValueError("a chain of sectors runs in a circle")
        parts.append(_sector(content, start, size, first))
        if start >= len(table):
            raise ValueError(f"sector {start} is in no table")
        start = table[start]
    return b"".join(parts)

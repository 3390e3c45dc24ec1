"""The national platform's old reply: .NET binary XML ([MC-NBFX]) as records of text.

Belongs here: the record types of the format, and elements with their texts. Not here: what the
fields mean (hours). Only what a service reply uses is known; anything else is LayoutDrift with its
place, and no length that a byte claims is trusted.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from pipelines.errors import LayoutDrift

_EPOCH = datetime(1, 1, 1)
_TICKS = 10_000_000
# Texts with their length before them: bytes of the length, encoding.
_SIZED = {
    0x98: ("<B", "utf-8"), 0x9A: ("<H", "utf-8"), 0x9C: ("<i", "utf-8"),
    0xB6: ("<B", "utf-16-le"), 0xB8: ("<H", "utf-16-le"), 0xBA: ("<i", "utf-16-le"),
}  # fmt: skip


def _moment(data: bytes) -> str:
    """Ticks of 100 ns since the year 1; the two highest bits say the kind of time zone."""
    ticks = struct.unpack("<Q", data)[0] & 0x3FFF_FFFF_FFFF_FFFF
    try:
        return (_EPOCH + timedelta(seconds=ticks // _TICKS)).isoformat()
    except OverflowError as error:
        raise LayoutDrift(f"a time of {ticks} ticks") from error


def _decimal(data: bytes) -> str:
    _, scale, sign, high, low = struct.unpack("<HBBIQ", data)
    number = Decimal((high << 64) | low).scaleb(-min(scale, 28))
    return str(-number if sign else number)


# Texts of fixed length: record type -> bytes and how they read. The odd type ends the element too.
_FIXED: dict[int, tuple[int, Callable[[bytes], str]]] = {
    0x80: (0, lambda _: "0"),
    0x82: (0, lambda _: "1"),
    0x84: (0, lambda _: "false"),
    0x86: (0, lambda _: "true"),
    0x88: (1, lambda b: str(struct.unpack("<b", b)[0])),
    0x8A: (2, lambda b: str(struct.unpack("<h", b)[0])),
    0x8C: (4, lambda b: str(struct.unpack("<i", b)[0])),
    0x8E: (8, lambda b: str(struct.unpack("<q", b)[0])),
    0x90: (4, lambda b: str(round(struct.unpack("<f", b)[0], 6))),
    0x92: (8, lambda b: repr(struct.unpack("<d", b)[0])),
    0x94: (16, _decimal),
    0x96: (8, _moment),
    0xA8: (0, lambda _: ""),
    0xB4: (1, lambda b: "true" if b[0] else "false"),
}


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        end = self.at + size
        if size < 0 or end > len(self.data):
            raise LayoutDrift(f"byte {self.at}: the reply ends inside a record of {size} bytes")
        chunk = self.data[self.at : end]
        self.at = end
        return chunk

    def length(self) -> int:
        """[MC-NBFX] 2.1.2: seven bits a byte, the lowest first."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise LayoutDrift(f"byte {self.at}: a length of more than five bytes")

    def text(self) -> str:
        return _decoded(self.take(self.length()), "utf-8", self.at)


def _decoded(data: bytes, encoding: str, at: int) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise LayoutDrift(f"byte {at}: a text that is not {encoding}") from error


def events(data: bytes) -> Iterator[tuple[str, str]]:
    """("start", name), ("text", value) and ("end", "") in document order; attributes are passed."""
    reader = _Bytes(data)
    while reader.at < len(data):
        at = reader.at
        kind = reader.take(1)[0]
        if kind == 0x01:
            yield "end", ""
        elif kind == 0x02:
            reader.text()
        elif kind in (0x40, 0x41):
            if kind == 0x41:
                reader.text()
            yield "start", reader.text()
        elif 0x5E <= kind <= 0x77:
            yield "start", reader.text()
        elif kind == 0x08:
            reader.text()
        elif kind == 0x09:
            reader.text(), reader.text()
        elif 0x26 <= kind <= 0x3F or kind in (0x04, 0x05):
            if kind == 0x05:
                reader.text()
            reader.text()
            _text(reader, reader.take(1)[0], at)
        elif kind >= 0x80:
            value = _text(reader, kind, at)
            yield "text", value
            if kind % 2:
                yield "end", ""
        else:
            raise LayoutDrift(f"byte {at}: record type 0x{kind:02X} is not known")


def _text(reader: _Bytes, kind: int, at: int) -> str:
    even = kind & ~1
    if even in _FIXED:
        size, read = _FIXED[even]
        return read(reader.take(size))
    if even in _SIZED:
        width, encoding = _SIZED[even]
        size = struct.unpack(width, reader.take(struct.calcsize(width)))[0]
        return _decoded(reader.take(size), encoding, at)
    raise LayoutDrift(f"byte {at}: text record 0x{kind:02X} is not known")


def records(data: bytes, element: str) -> list[dict[str, str]]:
    """Each `element` as its children's names and texts; children of children are passed over."""
    found: list[dict[str, str]] = []
    path: list[str] = []
    row: dict[str, str] | None = None
    inside = 0
    for kind, value in events(data):
        if kind == "start":
            path.append(value)
            if value == element and row is None:
                row, inside = {}, len(path)
        elif kind == "text":
            if row is not None and len(path) == inside + 1:
                row[path[-1]] = row.get(path[-1], "") + value
        elif not path:
            raise LayoutDrift("an element ends that never began")
        else:
            if len(path) == inside and row is not None:
                found.append(row)
                row = None
            path.pop()
    return found

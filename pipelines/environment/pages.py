"""A saved page as numbered lines: text, rows between `|`, or HTML; conversions undone.

Belongs here: what stands between the bytes of a page and its words (decoding, tags, full-width
forms, traditional characters and injected pinyin of re-posts). Not here: what the words mean.
"""

from __future__ import annotations

import gzip
import re
import unicodedata
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from pipelines.archive.offers import HEAD_BYTES, Offer
from pipelines.errors import RefusedInput


class Line(NamedTuple):
    """A line of text with its number in the held file. Cells of a table row stand between `|`."""

    number: int
    text: str


# Re-posts are run through a converter; only characters that bulletins use are turned back.
_PAIRS = (
    "廣广東东頭头韶韶關关門门陽阳雲云揭揭慶庆遠远環环質质狀状況况達达標标濃浓評评價价號号綜综數数變变"
    "顆颗徑径積积優优級级輕轻類类總总體体個个區区縣县劃划劑剂測测統统計计據据時时間间較较論论導导後后連连"
    "與与為为於于項项單单準准參参態态壓压實实際际對对應应內内別别還还進进氣气記记錄录調调輸输轉转運运響响點点"
    "線线終终組组經经給给續续維维絡络網网範范圍围離离難难選选長长開开閘闸兩两來来確确濁浊說说請请課课無无"
    "臭臭養养飲饮廢废黃黄綠绿鎮镇鄉乡鹽盐電电產产業业務务處处並并幅幅貫贯徹彻國国劣劣斷断攔拦過过"
)
_TRADITIONAL = str.maketrans(dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True)))
_PINYIN = re.compile(r"[(（][a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜüńňǹḿê]{1,7}[)）]")
_BLOCKS = {
    "p", "div", "br", "li", "h1", "h2", "h3", "h4", "h5", "h6", "title", "table", "ul", "ol",
    "section", "article", "header", "footer", "caption", "meta",
}  # fmt: skip
_SILENT = {"script", "style", "noscript", "template"}


# Bytes that one held file may unpack to; a national hour is 4 MB, a city's year of hours too.
MOST_BYTES = 2 << 30


def unpacked(path: Path, name: str) -> bytes:
    """The bytes of a file, unpacked if gzip; RefusedInput when damaged or too large."""
    try:
        with path.open("rb") as handle:
            packed = handle.read(2) == b"\x1f\x8b"
        if not packed:
            return path.read_bytes()
        with gzip.open(path) as stream:
            data = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise RefusedInput(f"{name}: damaged gzip ({error})") from error
    if len(data) > MOST_BYTES:
        raise RefusedInput(f"{name}: unpacks to more than {MOST_BYTES} bytes")
    return data


def head_bytes(offer: Offer) -> bytes:
    """The first bytes of a file, unpacked if gzip; empty when the packing is damaged."""
    if offer.media != "gzip":
        return offer.head
    try:
        return zlib.decompressobj(wbits=31).decompress(offer.head, HEAD_BYTES)
    except zlib.error:
        return b""


def decoded(data: bytes, name: str) -> str:
    """Text of a page: UTF-8, UTF-16 with its mark, or GB18030 as portals used to write.

    RefusedInput when it is none of them: half a page read as rubbish is worse than none.
    """
    encodings = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig",)
    for encoding in (*encodings, "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RefusedInput(f"{name}: expected text in UTF-8 or GB18030, found other bytes")


def simplified(text: str) -> str:
    """The text as its publisher wrote it: no injected pinyin, no traditional characters."""
    return _PINYIN.sub("", text).translate(_TRADITIONAL)


def plain(text: str) -> str:
    """Without blanks and width forms; Roman numerals become letters (Ⅲ is III)."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


class _Reader(HTMLParser):
    """Blocks as lines, rows of tables as one line with `|` behind each cell."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[Line] = []
        self.words: list[str] = []
        self.at = 1
        self.silent = 0
        self.depth = 0  # open rows: text of a cell is no line of its own

    def _flush(self) -> None:
        text = "".join(self.words).strip()
        if text:
            self.lines.append(Line(self.at, text))
        self.words = []
        self.at = self.getpos()[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self.silent += 1
        elif tag == "tr":
            self._flush()
            self.depth += 1
        elif tag in _BLOCKS and not self.depth:
            self._flush()

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag in ("td", "th") and self.depth:
            self.words.append("|")
        elif tag == "tr" and self.depth:
            self.depth -= 1
            self._flush()
        elif tag in ("table",):
            self.depth = 0
            self._flush()
        elif tag in _BLOCKS and not self.depth:
            self._flush()

    def handle_data(self, data: str) -> None:
        if not self.silent:
            text = re.sub(r"\s+", " ", data)
            self.words.append(text.replace("|", "／") if self.depth else text)

    def close(self) -> None:
        super().close()
        self._flush()


def html_lines(text: str) -> list[Line]:
    """Lines of an HTML page, numbered as in its source."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.lines


def text_lines(text: str) -> list[Line]:
    return [Line(number, line) for number, line in enumerate(text.splitlines(), start=1)]


def lines_of(data: bytes, name: str) -> list[Line]:
    """Lines of a saved page, whatever it is; RefusedInput when it is no text."""
    text = decoded(data, name)
    head = text[:4096].lower()
    is_html = "<html" in head or "<!doctype html" in head or "<table" in text.lower()
    lines = html_lines(text) if is_html else text_lines(text)
    return [Line(line.number, simplified(line.text)) for line in lines]


def read(path: Path, name: str) -> list[Line]:
    return lines_of(path.read_bytes(), name)

"""Workbooks, pages, CSVs and zips of them become one table of cells.

Belongs here: opening .xls, .xlsx, HTML tables and CSV, whatever their names claim; addresses,
merged ranges, which rows are a header, the header path over a cell and the label path beside it.
Not here: what a table is about (tables), names, units or numbers (maps).

Values only: the stored result of a formula is read, never its text, and no link is followed.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import chain, islice
from pathlib import Path

import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from pipelines.archive import guards
from pipelines.errors import RefusedInput
from pipelines.yearbook import bounds
from pipelines.yearbook.bounds import MAX_COLUMNS, MAX_GRID, MAX_ROWS

CELLS = pl.Schema(
    {
        "sheet": pl.String,
        "row": pl.UInt32,
        "column": pl.UInt32,
        "text": pl.String,
        "number": pl.Float64,
    }
)
MERGED = pl.Schema(
    {
        "sheet": pl.String,
        "first_row": pl.UInt32,
        "first_column": pl.UInt32,
        "last_row": pl.UInt32,
        "last_column": pl.UInt32,
    }
)
MAX_MEMBER_BYTES = 64 << 20
# Cells that are objects at one time.
PART_OF_CELLS = 1 << 16
# The word over the column of labels, blanks taken out: what tells a header row from a data row.
STUB_HEADS = (
    "城市", "市别", "市县别", "地区", "指标", "指标名称", "项目", "项目名称", "年", "年份", "行业",
    "县市", "区域", "名称", "地市", "县别", "县(市、区)", "市", "行业名称", "分组",
    "City", "Item", "Year", "Region", "Area",
)  # fmt: skip
# A whole number of an .xls may come as an int; a bool is neither.
_NUMBERS = frozenset((float, int))
_SHEET_ROWS = "source_row"
_META_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_SPACE = re.compile(r"[\s\u3000]+")


@dataclass(frozen=True)
class Cells:
    """The cells of one file.

    frame: `sheet, row, column, text, number`, one row per cell that holds something, in reading
        order; rows and columns count from 1. text: as printed, a number cell as its shortest text
        at the 15 digits a spreadsheet keeps. number: the typed value of a number cell.
    merged: `sheet, first_row, first_column, last_row, last_column`, anchors first.
    is_partial: only some rows of the sheet were kept (a CSV of `source_row`).
    """

    frame: pl.DataFrame
    merged: pl.DataFrame
    is_partial: bool = False

    def grid(self, sheet: str, rows: int) -> list[dict[int, str]]:
        """The first rows of a sheet as {column: text}: enough to recognise a table."""
        found: list[dict[int, str]] = [{} for _ in range(rows)]
        head = self.frame.filter(pl.col("sheet") == sheet, pl.col("row") <= rows)
        for row, column, text in head.select("row", "column", "text").iter_rows():
            found[row - 1][column] = text
        return found

    @property
    def sheets(self) -> list[str]:
        return self.frame["sheet"].unique(maintain_order=True).to_list()


@dataclass(frozen=True)
class Member:
    """One file of a zip. name: with `/`, decoded from GBK where the zip does not say UTF-8.

    refusal: why it was not opened, empty if it was.
    """

    name: str
    content: bytes = b""
    refusal: str = ""


def squeezed(text: str) -> str:
    """Text without any blank: `广  州` and `广州` are one label."""
    return _SPACE.sub("", text)


def column_letters(number: int) -> str:
    """1 -> A, 27 -> AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """A -> 1, AA -> 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def read_cells(content: bytes, media: str, name: str = "") -> Cells:
    """The cells of one workbook, page or CSV given as bytes.

    media: what the bytes are, as `guards.media_type` says it (ole2, xlsx, html, text). RefusedInput
    names the file when no reader can open it, when a sheet reaches beyond what a sheet may hold or
    when the file holds no table.
    """
    if media in ("ole2", "xlsx"):
        return _spreadsheet(content, media, name)
    if media == "html":
        return _page(decode(content), name)
    if media == "text":
        return _csv(decode(content), name)
    raise RefusedInput(f"{name}: {media}: not a workbook, a page or a CSV")


def decode(content: bytes) -> str:
    """Text by its byte order mark, else by its meta tag, else UTF-8, else GB 18030."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):  # fmt: skip
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    declared = _META_CHARSET.search(content[:4096])
    names = [declared.group(1).decode("ascii")] if declared else []
    for encoding in (*names, "utf-8", "gb18030"):
        # GB 2312 and GBK pages hold characters that only their superset knows.
        wide = "gb18030" if encoding.lower() in ("gb2312", "gbk", "gb_2312-80") else encoding
        try:
            return content.decode(wide)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("gb18030", errors="replace")


# ------------------------------------------------------------------ spreadsheets
def _spreadsheet(content: bytes, media: str, name: str) -> Cells:
    bounds.refuse_far_cells(content, media, name)
    frames, ranges = [], []
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for sheet in book.sheet_names:
            held = book.get_sheet_by_name(sheet)
            frames.append(_sheet_cells(sheet, held))
            for (top, left), (bottom, right) in held.merged_cell_ranges or []:
                ranges.append((sheet, top + 1, left + 1, bottom + 1, right + 1))
    except BaseException as error:
        # A damaged file may trip the reader: its panic is no Exception and has no public name.
        is_panic = type(error).__name__ == "PanicException"
        if not is_panic and not isinstance(error, (CalamineError, OSError, ValueError)):
            raise
        raise RefusedInput(f"{name}: not a workbook that can be read ({error})") from error
    frame = pl.concat(frames) if frames else pl.DataFrame(schema=CELLS)
    return Cells(frame, pl.DataFrame(ranges, schema=MERGED, orient="row").sort(pl.all()))


def _sheet_cells(sheet: str, held: CalamineSheet) -> pl.DataFrame:
    """Cells of one sheet, part by part, so that the cells as objects are soon given back."""
    parts = []
    # Rows come from the first of the sheet on, columns from the first that holds something.
    left = held.start[1] if held.start else 0
    rows = iter(held.iter_rows()) if held.start else iter(())
    width = held.end[1] - left + 1 if held.end else 1
    first = 1
    while part := list(islice(rows, max(1, PART_OF_CELLS // width))):
        flat = list(chain.from_iterable(part))
        texts = pl.Series(
            "words",
            [
                c if c.__class__ is str else None if c.__class__ in _NUMBERS else str(c)
                for c in flat
            ],
            dtype=pl.String,
        )
        numbers = pl.Series(
            "number", [c if c.__class__ in _NUMBERS else None for c in flat], dtype=pl.Float64
        )
        parts.append(
            pl.DataFrame([texts, numbers])
            .with_row_index("place")
            .filter(pl.col("number").is_not_null() | (pl.col("words").str.strip_chars() != ""))
            .select(
                pl.lit(sheet).alias("sheet"),
                (pl.col("place") // width + first).cast(pl.UInt32).alias("row"),
                (pl.col("place") % width + left + 1).cast(pl.UInt32).alias("column"),
                pl.coalesce("words", number_text("number")).alias("text"),
                "number",
            )
        )
        first += len(part)
    return pl.concat(parts) if parts else pl.DataFrame(schema=CELLS)


def number_text(name: str) -> pl.Expr:
    """A double as a spreadsheet shows it in full: 15 digits, a whole number without `.0`."""
    return pl.col(name).round_sig_figs(15).cast(pl.String).str.replace(r"\.0$", "")


# ------------------------------------------------------------------ pages
class _Tables(HTMLParser):
    """The tables of a page; a table inside a cell is read as a table of its own."""

    def __init__(self, name: str) -> None:
        super().__init__(convert_charrefs=True)
        self.name = name
        self.tables: list[_Table] = []
        self.open: list[_Table] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self.silent += 1
        elif tag == "table":
            self.open.append(_Table())
            self.tables.append(self.open[-1])
        elif not self.open:
            return
        elif tag == "tr":
            self.open[-1].end_row()
        elif tag in ("td", "th"):
            spans = {key: value or "" for key, value in attrs if key in ("rowspan", "colspan")}
            self.open[-1].begin(*(self._span(spans.get(k, "1")) for k in ("rowspan", "colspan")))
        elif tag in ("br", "p", "div"):
            self.open[-1].words(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.silent = max(0, self.silent - 1)
        elif not self.open:
            return
        elif tag in ("td", "th"):
            self.open[-1].end()
        elif tag == "table":
            self.open.pop().end_row()

    def handle_data(self, data: str) -> None:
        if self.open and not self.silent:
            self.open[-1].words(data)

    def _span(self, text: str) -> int:
        digits = re.match(r"\s*(\d{1,7})", text)
        span = int(digits.group(1)) if digits else 1
        if span > MAX_COLUMNS:
            raise RefusedInput(f"{self.name}: a cell spans {span} places; refused")
        return max(1, span)


@dataclass
class _Table:
    row: int = 0
    column: int = 0
    text: list[str] | None = None
    spans: tuple[int, int] = (1, 1)
    # Column -> the last row that a cell from above still covers.
    covered: dict[int, int] = field(default_factory=dict)
    cells: list[tuple[int, int, str]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)

    def end_row(self) -> None:
        self.end()
        self.row, self.column = self.row + 1, 0

    def begin(self, down: int, right: int) -> None:
        self.end()
        self.row = max(self.row, 1)
        self.column += 1
        while self.covered.get(self.column, 0) >= self.row:
            self.column += 1
        self.spans, self.text = (down, right), []

    def words(self, data: str) -> None:
        if self.text is not None:
            self.text.append(data)

    def end(self) -> None:
        if self.text is None:
            return
        down, right = self.spans
        last = self.column + right - 1
        if self.row > MAX_ROWS or last > MAX_COLUMNS:
            raise RefusedInput(f"a table reaches row {self.row}, column {last}; refused")
        if text := _SPACE.sub(" ", "".join(self.text)).strip():
            self.cells.append((self.row, self.column, text))
        if self.spans != (1, 1):
            self.merged.append((self.row, self.column, self.row + down - 1, last))
            for column in range(self.column, last + 1):
                self.covered[column] = max(self.covered.get(column, 0), self.row + down - 1)
        self.column, self.text = last, None


def _page(text: str, name: str) -> Cells:
    parser = _Tables(name)
    try:
        parser.feed(text)
        parser.close()
    except RefusedInput as error:
        raise RefusedInput(f"{name}: {str(error).removeprefix(f'{name}: ')}") from error
    for table in parser.open:
        table.end()
    held = [table for table in parser.tables if table.cells]
    if not held:
        raise RefusedInput(f"{name}: a page without a table (an error page or a menu)")
    cells = [
        (f"table {number}", row, column, words, None)
        for number, table in enumerate(held, start=1)
        for row, column, words in table.cells
    ]
    merged = [
        (f"table {number}", *span)
        for number, table in enumerate(held, start=1)
        for span in table.merged
    ]
    return Cells(
        pl.DataFrame(cells, schema=CELLS, orient="row"),
        pl.DataFrame(merged, schema=MERGED, orient="row").sort(pl.all()),
    )


def page_title(text: str) -> str:
    """What a page says it is: the article's title of the official sites, else its title tag."""
    named = re.search(r'<meta name="ArticleTitle" content="([^"]*)"', text, re.IGNORECASE)
    found = named or re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return _SPACE.sub(" ", found.group(1)).strip() if found else ""


# ------------------------------------------------------------------ CSV
def _csv(text: str, name: str) -> Cells:
    """A CSV as one sheet. `source_row,c1,c2,…` are rows of a sheet under their own numbers."""
    cells: list[tuple[str, int, int, str, None]] = []
    kept = False
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline="")), start=1):
            if len(row) > MAX_COLUMNS:
                raise RefusedInput(
                    f"{name} L{number}: {len(row)} columns; no sheet is wider than {MAX_COLUMNS}"
                )
            if number == 1 and row[:2] == [_SHEET_ROWS, "c1"]:
                kept = True
                continue
            at = int(row[0]) if kept and row and row[0].isdecimal() else number
            cells += [
                ("csv", at, column, cell, None)
                for column, cell in enumerate(row[1:] if kept else row, start=1)
                if cell.strip()
            ]
    except (csv.Error, OverflowError) as error:
        raise RefusedInput(f"{name}: not a CSV that can be read ({error})") from error
    if not cells:
        raise RefusedInput(f"{name}: no cell holds anything")
    frame = pl.DataFrame(cells, schema=CELLS, orient="row")
    return Cells(frame, pl.DataFrame(schema=MERGED), is_partial=kept)


# ------------------------------------------------------------------ zips
def members(
    path: Path,
    *,
    only: Callable[[str], bool] = lambda name: True,
    order: Callable[[str], object] = str,
) -> Iterator[Member]:
    """Files of a zip, by name; what is too large or damaged is named as refused.

    `guards.inspect` has judged the zip as a whole before.
    """
    with zipfile.ZipFile(path) as archive:
        entries = {member_name(entry): entry for entry in archive.infolist()}
        for name in sorted(filter(only, entries), key=order):  # type: ignore[arg-type]
            entry = entries[name]
            if entry.is_dir() or name.endswith("/"):
                continue
            if entry.file_size > MAX_MEMBER_BYTES:
                yield Member(name, refusal=f"{entry.file_size} bytes, more than a table has")
                continue
            try:
                guards.member_path(name)
                with archive.open(entry) as handle:
                    content = handle.read(MAX_MEMBER_BYTES + 1)
            except (RefusedInput, *guards.ZIP_ERRORS) as error:
                yield Member(name, refusal=f"cannot be unpacked ({error})")
                continue
            if len(content) > MAX_MEMBER_BYTES:
                yield Member(name, refusal="unpacks to more than it says")
            else:
                yield Member(name, content)


def member_name(entry: zipfile.ZipInfo) -> str:
    """The name with `/`; GBK where the zip's flag 11 (UTF-8) is not set, as Chinese tools write."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("gb18030")
    return name.replace("\\", "/")


# ------------------------------------------------------------------ header and label paths
ROLES = ("title", "unit", "header", "label", "value", "note")
PATHS = pl.Schema(
    [
        *CELLS.items(),
        ("role", pl.String()),
        ("block", pl.UInt32()),
        ("label", pl.String()),
        ("label_en", pl.String()),
        ("row_path", pl.String()),
        ("header_path", pl.String()),
        ("header_at", pl.UInt32()),
        ("is_anchor", pl.Boolean()),
    ]
)
SEPARATOR = " | "
_NOTE = (
    r"(?i)^\s*(?:注|附注|说明|资料来源|数据来源|notes?|(?:data )?sources?)\s*[:：]|^\s*~\s*[沒没]有"
)
_CONTINUED = r"(?i)续表|continued"
_UNIT = r"^\s*(?:计量)?单\s*位\s*[:：]|^\s*[(（][^()（）]*[)）]\s*$|^\s*(?i:unit)\s*[:：]"
_OF_WHICH = r"^\s*(?:[#＃]|其中\s*[:：]?)"
_VALUE_LIKE = r"^\s*(?:[+-]?[0-9０-９][0-9０-９,，.．\s]*%?|[-—–~…]+|\.{2,})\s*$"


def clean(name: str) -> pl.Expr:
    """Printed text on one line: blanks squeezed to one, `_x000D_` out, U+5DFF (巿) read as 市."""
    return (
        pl.col(name)
        .str.replace_all("_x000D_", " ", literal=True)
        .str.replace_all("巿", "市", literal=True)
        .str.replace_all(r"[\s\u{3000}]+", " ")
        .str.strip_chars(" ")
    )


def unpacked(cells: pl.DataFrame, merged: pl.DataFrame) -> pl.DataFrame:
    """Cells with every merged range filled from its anchor, downwards and rightwards.

    cells: `sheet, row, column, …`; merged as in `Cells`. Adds `from_row`, `from_column`, the place
    of the cell that prints the text. A range reaches no further than the sheet's last cell.
    """
    own = cells.with_columns(pl.col("row").alias("from_row"), pl.col("column").alias("from_column"))
    if merged.is_empty() or cells.is_empty():
        return own
    ends = cells.group_by("sheet").agg(
        pl.col("row").max().alias("end_row"), pl.col("column").max().alias("end_column")
    )
    anchors = (
        merged.join(ends, on="sheet")
        .join(
            own,
            left_on=["sheet", "first_row", "first_column"],
            right_on=["sheet", "row", "column"],
        )
        .with_columns(
            pl.int_ranges(
                "first_row", pl.min_horizontal("last_row", "end_row") + 1, dtype=pl.UInt32
            ).alias("row"),
            pl.int_ranges(
                "first_column", pl.min_horizontal("last_column", "end_column") + 1, dtype=pl.UInt32
            ).alias("column"),
        )
    )
    if anchors.select((pl.col("row").list.len() * pl.col("column").list.len()).sum()).item() > (
        MAX_GRID
    ):
        raise RefusedInput("merged ranges cover more places than a sheet may have")
    filled = anchors.explode("row").explode("column").select(own.columns)
    # The anchor itself, and a cell that (wrongly) prints something below its cover, stay.
    filled = filled.join(own, on=["sheet", "row", "column"], how="anti")
    return pl.concat([own, filled]).sort("sheet", "row", "column", maintain_order=True)


@dataclass(frozen=True)
class _Block:
    """Rows of one printed part: header from `top`, stub head at `stub`, body in [body, end)."""

    top: int
    stub: int
    body: int
    end: int


def with_paths(cells: Cells) -> pl.DataFrame:
    """Every cell with its role, header path and label path; the columns of `PATHS`.

    role: what the cell is. A sheet without a table (a cover, an advertisement) is all `title`.
    label, label_en: the row's label as printed, and the English one in a second column.
    row_path: labels from the heading row (a province above its cities, the city above `#顺德`) to
    the label. header_path: header texts from outermost to innermost. header_at: first header row
    of the column. is_anchor: whether the innermost header cell begins over this column.
    """
    own = cells.frame.with_columns(clean("text").alias("clean"))
    parts = [
        _sheet_paths(
            own.filter(pl.col("sheet") == sheet), cells.merged.filter(pl.col("sheet") == sheet)
        )
        for sheet in cells.sheets
    ]
    if not parts:
        return pl.DataFrame(schema=PATHS)
    return pl.concat(parts).select(pl.col(name).cast(kind) for name, kind in PATHS.items())


def _sheet_paths(own: pl.DataFrame, merged: pl.DataFrame) -> pl.DataFrame:
    rows = _row_facts(own)
    blocks = _blocks(rows)
    empty = [pl.lit(None, dtype=PATHS[name]).alias(name) for name in PATHS if name not in CELLS]
    if not blocks:
        unread = own.with_columns(empty).with_columns(pl.lit("title").alias("role"))
        return unread.select(PATHS.names())
    labels = _label_columns(own, blocks)
    # One cell alone in a row above the stub head is a unit in a corner, not a header.
    corners = rows.filter(
        pl.any_horizontal([(pl.col("row") >= b.top) & (pl.col("row") < b.stub) for b in blocks]),
        pl.col("label").is_null(),
        pl.col("beside") == 1,
    )["row"].implode()
    own = own.with_columns(pl.col("row").is_in(corners).alias("is_corner"))
    filled = unpacked(own.filter(_in_headers(blocks)), merged)
    headers = pl.concat(
        [
            _header_paths(filled, number, block, labels, fill=merged.is_empty())
            for number, block in enumerate(blocks)
        ]
    )
    spans = pl.DataFrame(
        [(n, b.top, b.body, b.end) for n, b in enumerate(blocks)],
        schema={"block": pl.UInt32, "top": pl.UInt32, "body": pl.UInt32, "end": pl.UInt32},
        orient="row",
    )
    notes = (
        own.filter(pl.col("clean").str.contains(_NOTE))
        .join_asof(spans, left_on="row", right_on="top", strategy="backward")
        .filter(pl.col("row") >= pl.col("body"))
        .group_by("block")
        .agg(pl.col("row").min().alias("note"))
    )
    spans = spans.join(notes, on="block", how="left", maintain_order="left")
    paths = _row_paths(_with_roles(own.filter(pl.col("column") <= labels), spans, labels))
    # Slice by slice: all columns of all cells at one time would take several times the result.
    return pl.concat(
        [
            _with_roles(piece, spans, labels)
            .join(headers, on=["block", "column"], how="left", maintain_order="left")
            .join(paths, on="row", how="left", maintain_order="left")
            .with_columns(
                pl.when(pl.col("role").is_in(["value", "header"])).then(name).alias(name)
                for name in ("header_path", "header_at", "is_anchor")
            )
            .select(PATHS.names())
            for piece in own.iter_slices(PART_OF_CELLS)
        ]
    )


def _with_roles(own: pl.DataFrame, spans: pl.DataFrame, labels: int) -> pl.DataFrame:
    """Cells with the `block` they stand in and their `role`."""
    placed = own.join_asof(spans, left_on="row", right_on="top", strategy="backward")
    in_body = pl.col("row") >= pl.col("body")
    is_unit = pl.col("clean").str.contains(_UNIT)
    return placed.with_columns(
        pl.when(in_body & (pl.col("row") >= pl.col("note")).fill_null(False))
        .then(pl.lit("note"))
        .when(in_body & (pl.col("column") <= labels))
        .then(pl.lit("label"))
        .when(in_body)
        .then(pl.lit("value"))
        .when(pl.col("is_corner"))
        .then(pl.lit("unit"))
        .when(is_unit & ((pl.col("column") <= labels) | pl.col("clean").str.contains("单 *位")))
        .then(pl.lit("unit"))
        .when(pl.col("column") <= labels)
        .then(pl.lit("title"))
        .otherwise(pl.lit("header"))
        .alias("role")
    )


def _row_facts(own: pl.DataFrame) -> pl.DataFrame:
    """One row per sheet row: its label, whether it is a stub head, what stands beside it."""
    label = pl.col("clean").filter(pl.col("column") == 1).first()
    bare = (
        pl.col("label")
        .str.normalize("NFKC")
        .str.replace_all(r"[\s\u{3000}]+", "")
        .str.replace(r"[A-Za-z.,'()]+$", "")
    )
    is_word = bare.is_in(STUB_HEADS) | pl.col("label").is_in(STUB_HEADS)
    beside = pl.col("column") > 1
    like = pl.col("number").is_not_null() | pl.col("clean").str.contains(_VALUE_LIKE)
    return (
        own.group_by("row", maintain_order=True)
        .agg(
            label.alias("label"),
            beside.sum().alias("beside"),
            (beside & like).sum().alias("values"),
            (pl.col("column") > 2).sum().alias("wide"),
        )
        .sort("row")
        .with_columns(
            (is_word & (pl.col("beside") > 0)).fill_null(False).alias("is_stub"),
            pl.col("label").str.contains(_CONTINUED).fill_null(False).alias("is_continued"),
            pl.col("label").str.contains(_UNIT).fill_null(False).alias("is_unit"),
        )
    )


def _blocks(rows: pl.DataFrame) -> list[_Block]:
    """The printed parts of a sheet. Without a known stub head, the first row with two or more
    cells from column 3 on is the header (the rule that readers of these files go by)."""
    stubs = rows.filter("is_stub")["row"].to_list()
    if not stubs:
        stubs = rows.filter(pl.col("wide") >= 2)["row"].head(1).to_list()
    labelled = rows.filter(pl.col("label").fill_null("") != "", ~pl.col("is_stub"))["row"]
    heads = rows.filter(pl.col("is_continued") | pl.col("is_unit"))["row"]
    starts: list[tuple[int, int, int]] = []
    for stub in stubs:
        if starts and stub < starts[-1][2]:
            continue  # a second line of the same header (城市 above City)
        body = labelled.filter(labelled > stub)
        if body.is_empty():
            break
        before = starts[-1][2] if starts else 0
        between = heads.filter((heads > before) & (heads < stub))
        first = rows["row"][0] if not starts else next(iter(between), stub)
        starts.append((first, stub, body[0]))
    ends = [start[0] for start in starts[1:]] + [rows["row"][-1] + 1]
    return [_Block(*start, end) for start, end in zip(starts, ends, strict=bool(starts))]


def _in_headers(blocks: list[_Block]) -> pl.Expr:
    return pl.any_horizontal(
        [(pl.col("row") >= block.top) & (pl.col("row") < block.body) for block in blocks]
    )


def _label_columns(own: pl.DataFrame, blocks: list[_Block]) -> int:
    """2 where the second column holds names too (English ones), else 1."""
    body = pl.any_horizontal(
        [(pl.col("row") >= block.body) & (pl.col("row") < block.end) for block in blocks]
    )
    second = own.filter(body, pl.col("column") == 2)
    words = second.filter(
        pl.col("number").is_null(), pl.col("clean").str.contains(r"^[A-Za-z\p{Han}#]")
    )
    return 2 if words.height > second.height / 2 else 1


def _header_paths(
    filled: pl.DataFrame, number: int, block: _Block, labels: int, *, fill: bool
) -> pl.DataFrame:
    """`block, column, header_path, header_at, is_anchor` of one block's value columns."""
    head = filled.filter(
        pl.col("row") >= block.top,
        pl.col("row") < block.body,
        pl.col("column") > labels,
        # A title merged across the sheet begins over the labels; a unit stands in a corner.
        pl.col("from_column") > labels,
        ~pl.col("clean").str.contains(r"单\s*位\s*[:：]"),
        ~pl.col("is_corner"),
    )
    if fill:
        head = _filled_right(head)
    return (
        head.sort("column", "row")
        .with_columns(
            (pl.col("clean") != pl.col("clean").shift(1).over("column"))
            .fill_null(True)
            .alias("new")
        )
        .group_by("column", maintain_order=True)
        .agg(
            pl.col("clean").filter("new").str.join(SEPARATOR).alias("header_path"),
            pl.col("from_row").first().alias("header_at"),
            (pl.col("from_column").last() == pl.col("column").first()).alias("is_anchor"),
        )
        .with_columns(pl.lit(number, dtype=pl.UInt32).alias("block"))
        .select("block", "column", "header_path", "header_at", "is_anchor")
    )


def _filled_right(head: pl.DataFrame) -> pl.DataFrame:
    """Header cells of a sheet that lost its merged ranges: a blank place takes what stands to its
    left, in every row but the last, as far as the cell above it reaches."""
    if head.is_empty():
        return head
    rows = head["row"].unique().sort().to_list()
    columns = range(head["column"].min(), head["column"].max() + 1)  # type: ignore[operator,arg-type]
    held = {(r, c): t for r, c, t in head.select("row", "column", "clean").iter_rows()}
    above = dict.fromkeys(columns, 0)
    out = []
    for row in rows:
        came: dict[int, int] = {}
        for column in columns:
            if (row, column) in held:
                came[column] = column
            elif (
                row != rows[-1]
                and column - 1 in came
                and (row == rows[0] or above[column] == above[column - 1])
            ):
                came[column] = came[column - 1]
        out += [(row, column, held[row, at], row, at) for column, at in came.items()]
        # A place that this row leaves blank belongs to what stands over it.
        above = {
            column: (row * MAX_COLUMNS + came[column])
            if column in came
            else -column
            if above[column] <= 0
            else above[column]
            for column in columns
        }
    return pl.DataFrame(
        out,
        schema={
            "row": pl.UInt32, "column": pl.UInt32, "clean": pl.String,
            "from_row": pl.UInt32, "from_column": pl.UInt32,
        },
        orient="row",
    )  # fmt: skip


def _row_paths(placed: pl.DataFrame) -> pl.DataFrame:
    """`row, label, label_en, row_path` of every body row that has a label."""
    labels = placed.filter(pl.col("role") == "label")
    first = labels.filter(pl.col("column") == 1).select(
        "row", "block", pl.col("text").alias("label"), "clean"
    )
    second = labels.filter(pl.col("column") == 2).select("row", pl.col("clean").alias("label_en"))
    indent = pl.col("label").str.extract(r"^([\s\u{3000}]*)").str.len_chars()
    is_part = pl.col("label").str.contains(_OF_WHICH)
    heading = ~is_part & (indent == indent.min())
    return (
        first.join(second, on="row", how="left", maintain_order="left")
        .with_columns(
            pl.when(heading).then("clean").forward_fill().alias("heading"),
            pl.when(~is_part).then("clean").forward_fill().alias("whole"),
        )
        .select(
            "row",
            "label",
            "label_en",
            pl.concat_str(
                pl.when(pl.col("heading") != pl.col("whole")).then("heading"),
                pl.when(is_part).then("whole"),
                "clean",
                separator=SEPARATOR,
                ignore_nulls=True,
            ).alias("row_path"),
        )
    )

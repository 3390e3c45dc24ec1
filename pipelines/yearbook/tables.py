"""From cells to rows as printed: which table a sheet holds, and what each cell of it is about.

Belongs here: matching titles against `sources/yearbook/maps/tables.csv`, the edition a file proves
by its content, splitting header and label paths into place, indicator and period, the printed unit,
statuses from flags. Not here: opening files (workbook); resolving names to ids (maps).

A row of `tables.csv` says of one printed table: the title, what stands in its rows and columns, how
its edition is known. A title that no row knows, a header that no map knows and a place of no list
are rejects with the nearest candidates; everything else of the file loads.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import polars as pl

from pipelines.archive import guards
from pipelines.archive.offers import TRANSCRIPTION_COLUMNS
from pipelines.archive.store import Snapshot
from pipelines.errors import ContractBroken, RefusedInput, Reject, nearest
from pipelines.registry.tables import read_text_csv
from pipelines.yearbook import workbook
from pipelines.yearbook.recognise import ASSEMBLED
from pipelines.yearbook.workbook import SEPARATOR, Cells, column_letters, squeezed

TABLES = "sources/yearbook/maps/tables.csv"
NO_MERGED = pl.DataFrame(schema=workbook.MERGED)
# Rows that may stand above the stub head: title, English title, unit, flags of the page.
TITLE_ROWS = 14
_AXES = ("place", "indicator", "year")
# Before blanks go: 19-5 2022年… is table 19-5 of 2022.
_NUMBER = re.compile(r"^\s*表?\s*[0-9A-Z]{1,2}(?:[-－–—][0-9A-Z]{1,3}){1,3}(?![0-9])")
_PART = re.compile(r"[(（]?续表?[0-9一二三四五六]*[)）]?$")
_YEAR = re.compile(r"^((?:19|20)[0-9]{2})年?$")
_YEARS = re.compile(r"^\s*((?:19|20)[0-9]{2})\s*年?\s*$")
_SCOPE = re.compile(r"全\s*[市巿]|市\s*辖\s*区|^\s*地区\s*$|^\s*市区\s*$")
_CD_MEMBER = re.compile(r"(?:^|/)directory/[^/]+/(excel|html)/([^/]+)\.(xls|xlsx|htm|html)$", re.I)
_PART_OF = re.compile(r"(?:^|/)([0-9]{2}-[0-9A-Z]{1,2}(?:-[0-9]{2})?)-([0-9])\.\w+$")
_CD_NAME = re.compile(r"广东统计年鉴\D{0,6}((?:19|20)\d{2})|((?:19|20)\d{2})年?广东统计年鉴")
_FLAGS = {"r": "revised", "p": "preliminary"}
# Units that may end a bracket (当年价格万元). No short ones: 方美元 is a misprint, not 元.
_TAIL_UNITS = ("万美元", "亿美元", "万人", "万元", "亿元", "平方公里", "公顷")
_PROOF = re.compile(r"([A-Z]{1,3})([0-9]+)=(.*)")


@dataclass(frozen=True)
class TableMap:
    """One row of `tables.csv`.

    title: regular expression over the whole title without its number and blanks; its groups may
        give `year`, `place` and `indicator`.
    rows, columns: what stands in them (place | indicator | year); a year inside the header path is
        always a period.
    indicator: what names the indicator, of `title`, `path`, `label`, `group`, joined by `+`; `=x`
        stands for the header x of `headers.csv`, whatever the title says (a path that is left
        after the years joins it).
    edition: a fixed edition or `title+N`, `last+N` (the newest year printed), `book+N`: the edition
        that the container states, else as `last+N`.
    proof: `A30=2024;C6=162519300`: cells that must print exactly this, for a table that states no
        year; a file without them is not this table.
    unit: regular expression that the printed unit must match; tells value from index tables.
    flags: `yes` where the second column of a merged pair holds flags (r, p).
    required: name of an input that every zip of this document must hold; rows of one name are
        forms of the same table.
    """

    document: str
    edition: str
    title: str
    unit: str
    rows: str
    columns: str
    indicator: str
    status: str
    source_kind: str
    flags: str
    proof: str
    required: str
    note: str
    line: int

    @property
    def pattern(self) -> re.Pattern[str]:
        return _compiled(self.title)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@dataclass(frozen=True)
class Found:
    """A table of a file: where it is, which map row describes it, and which edition it proves."""

    member: str
    sheet: str
    table: TableMap
    title: str
    edition: str
    groups: tuple[tuple[str, str], ...]

    def group(self, name: str) -> str:
        return dict(self.groups).get(name, "")


def read_tables(sources: Path) -> tuple[TableMap, ...]:
    """The rows of `tables.csv`; ContractBroken names the row and the column that cannot be used."""
    path = sources / "yearbook" / "maps" / "tables.csv"
    frame = read_text_csv(path)
    names = [name for name in TableMap.__dataclass_fields__ if name != "line"]
    if missing := [name for name in names if name not in frame.columns]:
        raise ContractBroken(f"{TABLES}: lacks the column {missing[0]!r}")
    tables = []
    for line, row in enumerate(frame.select(names).iter_rows(named=True), start=2):
        table = TableMap(**row, line=line)
        where = f"{TABLES} L{line}"
        try:
            re.compile(table.title)
            re.compile(table.unit)
        except re.error as error:
            raise ContractBroken(f"{where}: {error}: {table.title!r} {table.unit!r}") from error
        for column in ("rows", "columns"):
            if getattr(table, column) not in _AXES:
                raise ContractBroken(
                    f"{where}: {column} {getattr(table, column)!r} is none of {', '.join(_AXES)}"
                )
        names_of = set(table.indicator.split("+")) - {"title", "path", "label", "group"}
        if names_of and not table.indicator.startswith("="):
            raise ContractBroken(
                f"{where}: indicator {table.indicator!r} is not made of title, path, label, group "
                "and is no '=header'"
            )
        if not re.fullmatch(r"[\w.-]+|(?:title|last|book)\+[0-9]", table.edition):
            raise ContractBroken(f"{where}: edition {table.edition!r} is no edition and no rule")
        if bad := [p for p in table.proof.split(";") if p and not _PROOF.fullmatch(p)]:
            raise ContractBroken(f"{where}: proof {bad[0]!r} is not like C6=162519300")
        tables.append(table)
    return tuple(tables)


# ------------------------------------------------------------------ which table is it
def bare_title(text: str) -> str:
    """A title without blanks, number, 续表 and width forms: what tables are found by."""
    text = squeezed(_NUMBER.sub("", unicodedata.normalize("NFKC", text))).replace("巿", "市")
    return _PART.sub("", re.sub(r"continued[0-9]*$", "", text, flags=re.IGNORECASE)).rstrip(":")


def find(
    cells: Cells,
    tables: Sequence[TableMap],
    page_title: str = "",
    book: str = "",
    member: str = "",
    before: Found | None = None,
) -> tuple[list[Found], list[str]]:
    """The tables of a file that the maps know, and the titles of those that they do not.

    page_title: what an HTML page calls itself. book: the edition that the container states. before:
    the table that the file before holds, where this one is its next part.
    """
    found: list[Found] = []
    unknown = []
    for sheet in cells.sheets:
        grid = cells.grid(sheet, TITLE_ROWS)
        titles = [*_titles(grid), *([page_title] if page_title else [])]
        unit = " ".join(text for row in grid for text in row.values() if _is_unit(text))
        known = _known_table(cells, sheet, titles, unit, tables, book, member)
        if known is None and found and titles and bare_title(titles[0]) == "":
            # A sheet of its own for each printed page: 2-19 续表 1.
            known = replace(found[-1], sheet=sheet)
        elif known is None and not found and before and not any(map(bare_title, titles[:1])):
            # A file of its own for each part, and no title but 续表 in it.
            known = replace(before, sheet=sheet, member=member)
        if known:
            found.append(known)
        elif titles:
            unknown.append(bare_title(titles[0]))
    return found, unknown


def _known_table(
    cells: Cells,
    sheet: str,
    titles: Sequence[str],
    unit: str,
    tables: Sequence[TableMap],
    book: str,
    member: str,
) -> Found | None:
    for text in titles:
        bare = bare_title(text)
        for table in tables:
            match = table.pattern.fullmatch(bare)
            if match is None or not _proved(table, cells, sheet):
                continue
            if table.unit and not re.search(table.unit, squeezed(unit + text)):
                continue
            edition = _edition(table, match, cells, sheet, book)
            # A table of a book's zip that prints no year takes the edition of the others.
            if edition or (member and table.edition.startswith("book+")):
                groups = tuple((k, v or "") for k, v in match.groupdict().items())
                return Found(member, sheet, table, bare, edition or "", groups)
    return None


def _titles(grid: list[dict[int, str]]) -> list[str]:
    """Texts of the first column above the stub head."""
    titles = []
    for row in grid:
        text = row.get(1, "")
        bare = re.sub(r"[A-Za-z.,'()]+$", "", squeezed(text))
        if (bare in workbook.STUB_HEADS or squeezed(text) in workbook.STUB_HEADS) and len(row) > 1:
            break
        if text.strip():
            titles.append(text)
    return titles


def _is_unit(text: str) -> bool:
    return bool(re.search(r"单\s*位\s*[:：]|上年\s*[=＝]|[=＝]\s*100", text))


def _proved(table: TableMap, cells: Cells, sheet: str) -> bool:
    for proof in filter(None, table.proof.split(";")):
        letters, row, text = _PROOF.fullmatch(proof).groups()  # type: ignore[union-attr]
        held = cells.frame.filter(
            pl.col("sheet") == sheet,
            pl.col("row") == int(row),
            pl.col("column") == workbook.column_number(letters),
        )["text"]
        if squeezed(held[0] if len(held) else "") != squeezed(text):
            return False
    return True


def _edition(
    table: TableMap, match: re.Match[str], cells: Cells, sheet: str, book: str
) -> str | None:
    rule, plus, lag = table.edition.partition("+")
    if not plus:
        return table.edition
    if rule == "title":
        return str(int(match["year"]) + int(lag))
    if rule == "book" and book:
        return book
    newest = last_year(cells, sheet) or (match.groupdict().get("year") or None)
    return str(int(newest) + int(lag)) if newest else None


def last_year(cells: Cells, sheet: str) -> int | None:
    """The newest year that stands alone in a cell of the header or of the first column."""
    own = cells.frame.filter(
        pl.col("sheet") == sheet, (pl.col("row") <= TITLE_ROWS) | (pl.col("column") == 1)
    )
    years = own["text"].str.extract(_YEARS.pattern, 1).drop_nulls().cast(pl.Int32)
    return int(years.max()) if len(years) else None  # type: ignore[arg-type]


# ------------------------------------------------------------------ files and their members
@dataclass(frozen=True)
class Part:
    """One readable file: a workbook or page by itself, or a member of a zip."""

    member: str
    cells: Cells
    page_title: str


def parts(path: Path, media: str, name: str) -> Iterator[Part | workbook.Member]:
    """What a file holds; a member of a zip that is no table or may not be opened comes as Member.

    Of a yearbook's CD the pages are twins of the workbooks: a page is read where no workbook of
    its stem is there. RefusedInput when the file itself cannot be read.
    """
    if media != "zip":
        content = path.read_bytes()
        yield Part("", workbook.read_cells(content, media, name), _page_title(content, media))
        return
    stems: set[str] = set()
    for member in workbook.members(path, order=_workbooks_first):
        if member.refusal:
            yield member
            continue
        on_cd = _CD_MEMBER.search(member.name)
        stem = on_cd.group(2).lower() if on_cd else ""
        if stem and stem in stems:
            continue
        kind = guards.media_of(member.content)
        if kind in ("zip", "rar", "7z", "gzip"):
            yield replace(member, content=b"", refusal=f"a {kind} inside a zip is not opened")
            continue
        if not member.name.lower().endswith((".xls", ".xlsx", ".htm", ".html", ".csv")):
            continue
        if on_cd and on_cd.group(1).lower() == "excel" and kind not in ("ole2", "xlsx"):
            why = f"expected a workbook, found {kind} (an error page of the portal?)"
            yield replace(member, content=b"", refusal=why)
            continue
        try:
            if kind == "xlsx":
                guards.inspect_member(member.name, member.content)
            cells = workbook.read_cells(member.content, kind, member.name)
        except RefusedInput as error:
            # Menus and chapter notes are pages without a table; only what should be one is named.
            if kind != "html" or (on_cd and on_cd.group(2)[:1].isdigit()):
                yield replace(member, content=b"", refusal=str(error))
            continue
        if stem:
            stems.add(stem)
        yield Part(member.name, cells, _page_title(member.content, kind))


def _stem_and_part(member: str) -> tuple[str, int]:
    """`…/02-14-1.xls` is part 1 of 02-14; what is no part of a table is part -1 of itself."""
    found = _PART_OF.search(member)
    return (found[1], int(found[2])) if found else (member, -1)


def _workbooks_first(name: str) -> tuple[int, str]:
    return (0 if name.lower().endswith((".xls", ".xlsx")) else 1, name)


def _page_title(content: bytes, media: str) -> str:
    return workbook.page_title(workbook.decode(content)) if media == "html" else ""


def book_edition(path: Path, media: str) -> str:
    """The edition that a yearbook's CD states on its pages (编者说明), empty if none does."""
    if media != "zip":
        return ""
    for member in workbook.members(path, only=lambda name: "/page/" in f"/{name}"):
        if member.refusal:
            continue
        if stated := _CD_NAME.search(squeezed(workbook.decode(member.content))):
            return stated.group(1) or stated.group(2)
    return ""


def found_tables(
    path: Path, media: str, name: str, tables: Sequence[TableMap]
) -> Iterator[tuple[Part, list[Found], list[str]] | workbook.Member]:
    """Every part of a file with the tables found in it and the titles that no map knows.

    A zip that states no edition is the edition of its newest table: some tables of a book lag.
    """
    book = book_edition(path, media)
    held: list[tuple[Part, list[Found], list[str]]] = []
    ends: dict[tuple[str, int], Found] = {}
    for part in parts(path, media, name):
        if isinstance(part, workbook.Member):
            yield part
            continue
        stem, number = _stem_and_part(part.member)
        before = ends.get((stem, number - 1))
        found, unknown = find(part.cells, tables, part.page_title, book, part.member, before)
        if found:
            ends[stem, number] = found[-1]
        if media != "zip":
            yield part, found, unknown
        else:
            # Hundreds of tables that no map asks for need not stay in memory.
            kept = (
                part if found else replace(part, cells=Cells(part.cells.frame.clear(), NO_MERGED))
            )
            held.append((kept, found, unknown))
    newest: dict[str, str] = {}
    for _, found, _ in held:
        for one in found:
            if one.table.edition.startswith("book+"):
                of = one.table.document
                newest[of] = max(newest.get(of, ""), one.edition)
    for part, found, unknown in held:
        dated = [
            replace(one, edition=newest[one.table.document])
            if one.table.edition.startswith("book+")
            else one
            for one in found
        ]
        yield part, [one for one in dated if one.edition], unknown


# ------------------------------------------------------------------ rows as printed
@dataclass(frozen=True)
class Vocabulary:
    """What a table's names are compared with before they become rows.

    headers, excluded_headers: as in `maps.Maps`, with `key`, the header squeezed. excluded_places:
    document -> place, squeezed -> reason. provinces: printed form -> the full name; held: names of
    provinces whose places the warehouse holds. unit_keys: printed units, squeezed.
    """

    headers: pl.DataFrame
    excluded_headers: pl.DataFrame
    excluded_places: dict[str, dict[str, str]]
    provinces: dict[str, str]
    held: frozenset[str]
    unit_keys: frozenset[str]


def printed_rows(
    snapshot: Snapshot, tables: Sequence[TableMap], vocabulary: Vocabulary
) -> tuple[pl.DataFrame, list[Reject]]:
    """Rows of every known table of a snapshot, in the columns of a transcription, with `at`.

    A table of another edition or document in the same file belongs to another slice and is left to
    it. LayoutDrift rejects: a member that no reader opens, a required table that is not there, a
    header that no map knows.
    """
    media = guards.media_type(snapshot.path)
    frames: list[pl.DataFrame] = []
    rejects: list[Reject] = []
    seen: set[int] = set()
    unknown: list[str] = []
    heading: dict[int, str] = {}
    try:
        for item in found_tables(snapshot.path, media, snapshot.file, tables):
            if isinstance(item, workbook.Member):
                rejects.append(
                    _reject(
                        snapshot, item.name, "", "a workbook or a page with a table", item.refusal,
                        "a member of the zip cannot be read",
                    )
                )  # fmt: skip
                continue
            part, found, others = item
            unknown += others
            for table in found:
                if (table.table.document, table.edition) != (snapshot.document, snapshot.edition):
                    continue
                seen.add(table.table.line)
                rows, refused = _table_rows(snapshot, part.cells, table, vocabulary, heading)
                frames.append(rows)
                rejects += refused
    except RefusedInput as error:
        rejects.append(
            _reject(
                snapshot, "", "", "a workbook, a page or a zip of them", str(error),
                "the file cannot be read",
            )
        )  # fmt: skip
    if media == "zip":
        severity = "warning" if is_assembled(snapshot.path) else "error"
        rejects += _missing(snapshot, tables, seen, unknown, severity)
        if unknown:
            rejects.append(
                _reject(
                    snapshot, "tables", ", ".join(sorted(set(unknown))[:20]),
                    f"titles of {TABLES}",
                    f"{len(unknown)} tables", "tables that no map asks for",
                    severity="warning",
                )
            )  # fmt: skip
    empty = pl.DataFrame(schema=ROWS)
    return pl.concat([empty, *frames]), rejects


# header_key: the key of the map row that a header was found by, where that row holds a `*`.
ROWS = pl.Schema(
    dict.fromkeys((*TRANSCRIPTION_COLUMNS, "place_en", "header_key", "at"), pl.String())
)


def is_assembled(path: Path) -> bool:
    """Whether a zip is what the portal's client put together: the tables that somebody asked for,
    where a CD is the whole book."""
    with zipfile.ZipFile(path) as archive:
        return any(workbook.member_name(e).endswith(ASSEMBLED) for e in archive.infolist())


def _missing(
    snapshot: Snapshot,
    tables: Sequence[TableMap],
    seen: set[int],
    unknown: list[str],
    severity: str,
) -> Iterator[Reject]:
    """Required tables of the document that no file of the zip holds, with the nearest titles."""
    names = {t.required for t in tables if t.line in seen}
    asked: dict[str, str] = {}
    for table in tables:
        if table.document == snapshot.document and table.required and table.required not in names:
            asked.setdefault(table.required, table.title)
    for name, title in asked.items():
        words = re.sub(r"[^\w]+|[?*+.|()\\]", "", title)
        yield _reject(
            snapshot, name, title, f"a table titled {title!r}", "no such table",
            "a table that this document should hold is not there (layout drift)",
            candidates=nearest(words, sorted(set(unknown))),
            severity=severity,
        )  # fmt: skip


def _reject(
    snapshot: Snapshot,
    locator: str,
    raw: str,
    expected: str,
    found: str,
    reason: str,
    *,
    candidates: str = "",
    severity: str = "error",
) -> Reject:
    return Reject(
        snapshot_id=snapshot.snapshot_id,
        locator=locator or "file",
        file=snapshot.file,
        table_name="observation",
        slice=snapshot.slice,
        raw_text=raw,
        expected=expected,
        found=found,
        candidates=candidates,
        reason=reason,
        severity=severity,
    )


def _table_rows(
    snapshot: Snapshot,
    cells: Cells,
    found: Found,
    vocabulary: Vocabulary,
    heading: dict[int, str],
) -> tuple[pl.DataFrame, list[Reject]]:
    """Rows of one sheet. heading: map row -> the province whose cities its last sheet ended with,
    for a table whose printed pages are sheets of their own."""
    table = found.table
    own = Cells(
        cells.frame.filter(pl.col("sheet") == found.sheet),
        cells.merged.filter(pl.col("sheet") == found.sheet),
    )
    paths = workbook.with_paths(own)
    prefix = f"{found.member}:" if found.member else ""
    where = f"{prefix}{found.sheet}!"
    values = paths.filter(pl.col("role") == "value", pl.col("label").is_not_null())
    rejects: list[Reject] = []
    if values.is_empty():
        return pl.DataFrame(schema=ROWS), [
            _reject(
                snapshot, where, found.title, "rows of places or years under a header", "none",
                "the table has no body that can be read (layout drift)",
            )
        ]  # fmt: skip
    values, flags = _flags(values) if table.flags == "yes" else (values, None)
    headers = _header_facts(values, found, paths, vocabulary)
    values = values.join(headers, on=["block", "column"], how="left", maintain_order="left")
    if table.rows == "indicator":
        labels = values.select(pl.col("row_path").unique(maintain_order=True))
        units = {t: printed_unit([t], vocabulary.unit_keys) for t in labels["row_path"].to_list()}
        own_unit = pl.col("row_path").replace_strict(units, return_dtype=pl.String)
        values = values.with_columns(
            pl.when(own_unit != "").then(own_unit).otherwise("unit").alias("unit")
        )
    values = _named(values, found)
    values, refused = _held_places(
        snapshot, values, paths, found, where, vocabulary, None if cells.is_partial else heading
    )
    rejects += refused
    values, refused = _known_headers(snapshot, values, where, found, vocabulary)
    rejects += refused
    if flags is not None:
        values = values.join(flags, on=["row", "column"], how="left", maintain_order="left")
    else:
        values = values.with_columns(pl.lit(None, dtype=pl.String).alias("flag"))
    cell = pl.concat_str(
        pl.col("column").replace_strict(
            {c: column_letters(c) for c in values["column"].unique().to_list()},
            default="", return_dtype=pl.String,
        ),
        pl.col("row").cast(pl.String),
    )  # fmt: skip
    flag = pl.col("flag").fill_null("")
    rows = values.with_columns(
        pl.lit(snapshot.document).alias("document"),
        pl.lit(snapshot.edition).alias("edition"),
        pl.concat_str(pl.lit(where), cell).alias("locator"),
        pl.col("text").alias("value"),
        flag.replace_strict(_FLAGS, default=table.status, return_dtype=pl.String).alias("status"),
        pl.lit(snapshot.source_kind).alias("source_kind"),
        pl.lit(snapshot.file).alias("read_from"),
        pl.lit(snapshot.sha256[:12]).alias("read_sha256"),
        pl.concat_str(pl.lit(where), cell).alias("read_locator"),
        pl.when(~flag.is_in(["", *_FLAGS]))
        .then(pl.format("stray flag cell '{}'", flag))
        .otherwise(pl.lit(""))
        .alias("note"),
        pl.concat_str(pl.lit(where), cell).alias("at"),
    )
    return rows.select(pl.col(name).cast(kind) for name, kind in ROWS.items()), rejects


def _flags(values: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Values, and the flags that stand in the second column of a merged pair: `row, column, flag`
    with the column of the value."""
    is_value = pl.col("is_anchor").fill_null(True)
    flags = values.filter(~is_value).select(
        "row",
        (pl.col("column") - 1).alias("column"),
        pl.col("text").str.strip_chars().alias("flag"),
    )
    return values.filter(is_value), flags


def _header_facts(
    values: pl.DataFrame, found: Found, paths: pl.DataFrame, vocabulary: Vocabulary
) -> pl.DataFrame:
    """`block, column, path, period, unit, scope` of each header path: a year inside it becomes the
    period; a path that stands over several columns of a block tells its column."""
    columns = (
        values.select("block", "column", pl.col("header_path").fill_null(""))
        .unique(maintain_order=True)
        .sort("block", "column")
    )
    unit_rows = paths.filter(pl.col("role") == "unit", pl.col("row") <= TITLE_ROWS)["text"]
    table_unit = next(
        (u for text in unit_rows if (u := printed_unit([text], vocabulary.unit_keys))),
        printed_unit([found.title], vocabulary.unit_keys),
    )
    facts = []
    for block, column, path in columns.iter_rows():
        levels = path.split(SEPARATOR) if path else []
        years = [y for level in levels if (y := _YEAR.match(squeezed(level)))]
        kept = [level for level in levels if not _YEAR.match(squeezed(level))]
        facts.append(
            (
                block, column, SEPARATOR.join(kept), years[-1].group(1) if years else "",
                printed_unit(reversed(levels), vocabulary.unit_keys) or table_unit,
                printed_scope(kept),
            )
        )  # fmt: skip
    frame = pl.DataFrame(
        facts,
        schema={"block": pl.UInt32, "column": pl.UInt32, **dict.fromkeys(
            ("path", "period", "unit", "scope"), pl.String
        )},
        orient="row",
    )  # fmt: skip
    twice = (pl.len().over("block", "path", "period") > 1) & (pl.col("path") != "")
    letters = {c: column_letters(c) for c in frame["column"].unique().to_list()}
    letter = pl.col("column").replace_strict(letters, default="", return_dtype=pl.String)
    return frame.with_columns(
        pl.when(twice)
        .then(pl.format("{} [column {}]", "path", letter))
        .otherwise("path")
        .alias("path")
    )


def printed_scope(levels: Iterable[str]) -> str:
    """The scope that a header path prints (全市, 市辖区, 地区), innermost level first."""
    for level in reversed(list(levels)):
        if found := _SCOPE.search(level):
            return found.group().strip()
    return ""


def printed_unit(levels: Iterable[str], unit_keys: frozenset[str]) -> str:
    """The unit in the first of the texts that prints one: alone, in brackets, after 单位, or at
    the end of a bracket (当年价格万元); empty when none does."""
    for level in levels:
        text = squeezed(unicodedata.normalize("NFKC", level))
        stated = re.sub(r"^(?:计量)?单位:", "", text)
        for candidate in (stated, re.sub(r"\(.*$", "", stated), stated.strip("()")):
            if candidate in unit_keys:
                return candidate
        if "=100" in text:
            return "上年=100"
        for inner in re.findall(r"\(([^()]*)\)", text):
            pieces = [inner, *re.split(r"[、,，]", inner)]
            for candidate in pieces:
                if candidate in unit_keys:
                    return str(candidate)
            for unit in _TAIL_UNITS:
                if inner.endswith(unit):
                    return unit
        if re.search(r"[\w)][%‰]$", text):
            return text[-1]
    return ""


def _named(values: pl.DataFrame, found: Found) -> pl.DataFrame:
    """place, indicator and period of each cell, from its row, its column and the title."""
    table = found.table
    label = workbook.clean("label")
    axis = {"row": table.rows, "column": table.columns}
    parts = {
        "title": pl.lit(found.title),
        "path": pl.col("path"),
        "label": label,
        "group": pl.lit(found.group("indicator")),
    }
    fixed = table.indicator.removeprefix("=") if table.indicator.startswith("=") else ""
    names = (
        # The places of a header are no part of the indicator's name.
        [pl.lit(fixed), *([] if axis["column"] == "place" else [pl.col("path")])]
        if fixed
        else [parts[name] for name in table.indicator.split("+")]
    )
    indicator = pl.concat_str(
        [pl.when(name != "").then(name) for name in names], separator=SEPARATOR, ignore_nulls=True
    )
    place = pl.lit(found.group("place"))
    if axis["row"] == "place":
        place = pl.when(label.str.contains(r"\p{Han}")).then("label").otherwise(
            pl.coalesce("label", "label_en")
        )  # fmt: skip
    elif axis["column"] == "place":
        place = pl.col("path")
    period = pl.col("period")
    if axis["row"] == "year":
        period = label.str.replace(r"\s*年$", "")
    # A table that names no year prints the year before its edition (rule of these yearbooks), or
    # two before, as its map row says.
    lag = re.search(r"\+([0-9])$", table.edition)
    fallback = found.group("year") or str(int(found.edition) - int(lag[1] if lag else 1))
    return values.with_columns(
        place.alias("place"),
        pl.when(pl.lit(axis["row"] == "place")).then("label_en").alias("place_en"),
        indicator.alias("indicator"),
        pl.when(period != "").then(period).otherwise(pl.lit(fallback)).alias("period"),
    )


def _held_places(
    snapshot: Snapshot,
    values: pl.DataFrame,
    paths: pl.DataFrame,
    found: Found,
    where: str,
    vocabulary: Vocabulary,
    heading: dict[int, str] | None,
) -> tuple[pl.DataFrame, list[Reject]]:
    """Cells of places that the warehouse holds, the others named in one warning a group.

    A province row heads the cities below it, so a city of another province is left out by its
    heading, not by its name (通州 is a district of 北京 and was a city of 江苏). A sheet of which
    only some rows were kept has no such order: no `heading` then.
    """
    excluded = vocabulary.excluded_places.get(found.table.document, {})
    values = values.with_columns(
        squeeze_key("place")
        .replace_strict(excluded, default=None, return_dtype=pl.String)
        .alias("left_out")
    )
    if found.table.rows == "place" and heading is not None:
        labels = paths.filter(pl.col("role") == "label", pl.col("column") == 1).select(
            "row",
            workbook.clean("text")
            .str.replace_all(r"[\s\u{3000}]+", "")
            .str.replace(r"^[0-9]+[.、．]", "")
            .replace_strict(vocabulary.provinces, default=None, return_dtype=pl.String)
            .alias("own"),
        )
        before = pl.lit(heading.get(found.table.line), dtype=pl.String)
        labels = labels.sort("row").with_columns(
            pl.coalesce(pl.col("own").forward_fill(), before).alias("province")
        )
        if last := labels["province"].drop_nulls().to_list():
            heading[found.table.line] = last[-1]
        foreign = (
            ~pl.col("province").is_in(list(vocabulary.held)) & pl.col("province").is_not_null()
        )
        values = values.join(
            labels.select(
                "row",
                pl.when(foreign)
                .then(pl.lit("a place of a province that the warehouse does not hold"))
                .alias("abroad"),
            ),
            on="row", how="left", maintain_order="left",
        ).with_columns(pl.coalesce("left_out", "abroad").alias("left_out"))  # fmt: skip
    out = values.filter(pl.col("left_out").is_not_null())
    rejects = []
    for reason, group in out.group_by("left_out", maintain_order=True):
        names = group["place"].str.strip_chars().unique(maintain_order=True).to_list()
        shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
        rejects.append(
            _reject(
                snapshot, f"{where}A{group['row'].to_list()[0]}", shown, "a place of the warehouse",
                f"{len(names)} places",
                f"left out on purpose: {reason[0]}", severity="warning",
            )
        )  # fmt: skip
    return values.filter(pl.col("left_out").is_null()), rejects


def _known_headers(
    snapshot: Snapshot, values: pl.DataFrame, where: str, found: Found, vocabulary: Vocabulary
) -> tuple[pl.DataFrame, list[Reject]]:
    """Cells under headers that the maps know. An unknown header is one LayoutDrift error with the
    nearest known ones; headers left out on purpose are one warning per reason.

    Where patterns of both lists match, the header is left out, unless the pattern that keeps it is
    a case of the one that leaves it out: `法人单位数 | *软件*` of `法人单位数 | *`.
    """
    document, edition = found.table.document, found.edition
    own = vocabulary.headers.filter(
        pl.col("document") == document, pl.col("edition").is_in([edition, "*"])
    )
    known = set(own["key"].to_list())
    wild = [key for key in own["key"].to_list() if "*" in key]
    patterns = [
        (_glob(key), reason)
        for key, reason in vocabulary.excluded_headers.filter(
            pl.col("document") == document, pl.col("edition").is_in([edition, "*"])
        )
        .select("key", "reason")
        .iter_rows()
    ]
    first = values.unique("indicator", keep="first", maintain_order=True)
    keys = first.select("indicator", key=squeeze_key("indicator"))["key"].to_list()
    kept: dict[str, str | None] = {}
    left_out: dict[str, list[tuple[str, str]]] = {}
    rejects = []
    for (header, column, row), key in zip(
        first.select("indicator", "column", pl.coalesce("header_at", "row")).iter_rows(),
        keys, strict=True,
    ):  # fmt: skip
        by = next((text for text in wild if _glob(text).fullmatch(key)), None)
        reason = next(
            (
                why
                for glob, why in patterns
                if glob.fullmatch(key) and not (by and glob.fullmatch(by))
            ),
            None,
        )
        if key in known:
            kept[header] = None
        elif reason is not None:
            left_out.setdefault(reason, []).append(
                (header, f"{where}{column_letters(column)}{row}")
            )
        elif by is not None:
            kept[header] = by
        else:
            candidates = (
                own["header"].unique().sort().to_list()
                or vocabulary.headers.filter(pl.col("document") == document)["header"]
                .unique()
                .sort()
                .to_list()
            )
            rejects.append(
                _reject(
                    snapshot, f"{where}{column_letters(column)}{row}", f"{found.title}: {header}",
                    "a header listed in sources/yearbook/maps/headers.csv", header,
                    "the header is not mapped for this edition (layout drift)",
                    candidates=nearest(header, candidates),
                )
            )  # fmt: skip
    for reason, headers in left_out.items():
        shown = "; ".join(h for h, _ in headers[:5]) + (" …" if len(headers) > 5 else "")
        rejects.append(
            _reject(
                snapshot, headers[0][1], shown, "a mapped header", f"{len(headers)} columns",
                f"left out on purpose: {reason}", severity="warning",
            )
        )  # fmt: skip
    held = values.filter(pl.col("indicator").is_in(list(kept)))
    found_by = pl.col("indicator").replace_strict(kept, default=None, return_dtype=pl.String)
    return held.with_columns(found_by.alias("header_key")), rejects


def squeeze_key(name: str) -> pl.Expr:
    """Width-folded text without any blank, 巿 read as 市: how printed names are compared."""
    return (
        pl.col(name)
        .str.normalize("NFKC")
        .str.replace_all("_x000D_", "", literal=True)
        .str.replace_all("巿", "市", literal=True)
        .str.replace_all(r"[\s\u{3000}]+", "")
    )


@lru_cache(maxsize=4096)
def _glob(key: str) -> re.Pattern[str]:
    """`*` stands for any text, everything else for itself."""
    return re.compile(".*".join(re.escape(piece) for piece in key.split("*")))

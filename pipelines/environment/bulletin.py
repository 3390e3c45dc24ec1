"""Bulletins of the province: a saved page as cells, and cells as table rows.

Belongs here: the tables of 广东省城市环境空气质量状况 and its successors, whatever order of known
headers they print, their sentences about the province, its air and its rivers, and
`bulletin_city_period`: one row per printed value with its measure, place and period. Not here:
decoding and tags (pages), ranks, means or anything computed from the values (dbt).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from pipelines.archive.offers import TRANSCRIPTION_COLUMNS
from pipelines.archive.store import Snapshot
from pipelines.environment import cells, pages, titles
from pipelines.environment.cells import Context
from pipelines.environment.pages import Line, plain
from pipelines.errors import LayoutDrift, RefusedInput, Reject, nearest

TABLE = "bulletin_city_period"
MEASURES = (
    "aqi_rate_pct", "pm25_ugm3", "pm10_ugm3", "no2_ugm3", "o3_8h_p90_ugm3", "composite_index",
    "composite_index_change_pct", "pm25_rank", "no2_rank", "aqi_rank", "composite_index_rank",
    "composite_index_change_rank", "water_sections", "water_good_rate_pct",
    "water_inferior_rate_pct", "water_index", "water_index_change_pct", "water_rank",
    "valid_days",
)  # fmt: skip
CITIES = 21
# The reason of the reject that a page without its table leaves; readers look for these words.
NO_TABLE = "the table is not in the text: it may be a picture or an attachment"

# ------------------------------------------------------------------------------- a page as cells


class Cell(NamedTuple):
    """One printed value of a page.

    unit: as printed, or as the note under the table says. locator: `L<line>:r<row>c<column>`, or
    `L<line>:text` for a sentence. period: as in a transcription. scope: the set of water sections
    that the value is about (`national_149`), empty for air.
    """

    place: str
    header: str
    value: str
    unit: str
    locator: str
    period: str = ""
    scope: str = ""


class Column(NamedTuple):
    header: str
    unit: str
    may_be_empty: bool = False


class Page(NamedTuple):
    """What a page says: its edition, its values, and per table that could not be read why."""

    edition: str
    cells: list[Cell]
    flaws: list[tuple[int, str]]


class _Part(NamedTuple):
    """A cell of a table. row: which line of bars it stands on (a page may be one line), else 0."""

    line: int
    text: str
    row: int


_PM = "微克/立方米"
_DELTA = "珠三角地区|珠三角"
_REGIONS = ("全省", *_DELTA.split("|"))
_MONTHS = r"(?P<year>20\d\d)年?(?:(?P<first>\d{1,2})[-~—–至])?(?P<last>\d{1,2})月"
# `附表12021年12月`: the number of the table runs into the year; `20226月`: 年 lost with its format.
_CAPTION = re.compile(rf"^附?表\d?[:.、]?{_MONTHS}.{{0,60}}$")
_NAME = re.compile(r"^[\u4e00-\u9fff]{2,6}$")
_VALUE = re.compile(r"^(?:[+-]?\d+(?:\.\d+)?%?|[-—])$")
_UNITS_IN_HEADER = re.compile(r"\((?:微克/立方米|毫克/立方米|[uμµ]g/m3|mg/m3|%)\)")
_OPENING = re.compile(rf"^(?:[一-龥]{{2,8}}:)?{_MONTHS}")
_NUMBER = r"(\d+(?:\.\d+)?)"
# 全省 and the delta in one sentence each, or both at once ("全省与珠三角PM2.5平均浓度均为30…"); the
# cumulative bulletins leave 全省 out where the paragraph is about the province.
_AIR_SENTENCES = (
    (
        "AQI达标率", "%",
        rf"(全省|{_DELTA})(?:与({_DELTA}))?(?:优良天数比例\(?)?AQI达标率\)?均?为({_NUMBER}%)",
    ),
    (
        "PM2.5平均浓度", _PM,
        rf"(全省|{_DELTA}|(?<=[;。,:]))(?:与({_DELTA}))?(?:细颗粒物\()?PM2\.5\)?(?:平均)?浓度均?为"
        rf"({_NUMBER}){_PM}",
    ),
    (
        "PM10平均浓度", _PM,
        rf"(全省|{_DELTA}|(?<=[;。,:]))(?:与({_DELTA}))?(?:可吸入颗粒物\()?PM10\)?(?:平均)?浓度均?为"
        rf"({_NUMBER}){_PM}",
    ),
)  # fmt: skip
_AIR = tuple((header, unit, re.compile(pattern)) for header, unit, pattern in _AIR_SENTENCES)
# 国考 and 国控 name the same sections; a rate belongs to the number of sections printed before it.
_WATER = re.compile(
    rf"(\d{{2,4}})个(?:地表水)?(国控|国考|省考)断面(?:\([^)]*\))?水质优良率\(I[-~—]III类\)为({_NUMBER}%)"
    rf"(?:[;,，]劣V类断面(?:比例)?(?:占|为)({_NUMBER}%))?"
)
_WATER_SET = re.compile(r"(\d{2,4})个(?:地表水)?(国控|国考|省考)断面")
_WATER_RANK = re.compile(
    r"(?:水环境质量|水质综合指数排名)前([二三四五])(?:名|位)(?:依次)?为([^,;。，；]+?市?),"
    r"后([二三四五])(?:名|位)(由高到低)?(?:依次)?为([^,;。，；]+?市)"
)
_COUNT = {"二": 2, "三": 3, "四": 4, "五": 5}
_KINDS = {"国控": "national", "国考": "national", "省考": "provincial"}


def _key(text: str) -> str:
    """How headers are compared: without blanks and brackets, which a lost subscript breaks."""
    return re.sub(r"[()\[\]]", "", plain(text))


def _loose(text: str) -> str:
    """The same without units: 浓度(微克/立方米) and 浓度 head the same column."""
    return _key(_UNITS_IN_HEADER.sub("", plain(text)))


def period_of(lines: Sequence[Line]) -> tuple[str, str]:
    """(edition, period) from the title; LayoutDrift: no title, or titles of several bulletins."""
    found = titles.periods(lines)
    if not found:
        raise LayoutDrift("no title with a period like (2021年12月) or (2021年1-10月) on the page")
    if len(found) > 1:
        several = ", ".join(edition for edition, _ in found)
        raise LayoutDrift(f"the file holds several bulletins ({several}): save one page a file")
    return found[0]


def _own_period(match: re.Match[str], title: str) -> str:
    """Period of a caption or paragraph from its groups year, first and last month."""
    found = titles.months(*match.group("year", "first", "last"))
    return found[1] if found else title


def read_page(lines: Sequence[Line], headers: pl.DataFrame) -> Page:
    """Printed values of every air table of a bulletin and of its sentences about the province.

    headers: document, header, measure, unit, may_be_empty (maps/headers.csv). A table that is not
    there, or whose headers or rows do not fit, is a flaw of its own; the rest is read.
    LayoutDrift: the page has no title with a period.
    """
    edition, period = period_of(lines)
    known = [
        Column(row["header"], row["unit"], row["may_be_empty"] == "yes")
        for row in headers.filter(pl.col("document") == titles.DOCUMENT).iter_rows(named=True)
    ]
    captions = [(n, m) for n, x in enumerate(lines) if (m := _CAPTION.match(plain(x.text)))]
    found: list[Cell] = []
    flaws: list[tuple[int, str]] = []
    # A page that lost its captions may still hold its table: then the title says the period.
    tables = [(at, _own_period(match, period)) for at, match in captions] or [(-1, period)]
    for place, (at, own) in enumerate(tables):
        end = tables[place + 1][0] if place + 1 < len(tables) else len(lines)
        try:
            found += _table(lines[at + 1 : end], own, known)
        except LayoutDrift as error:
            flaws.append((lines[max(at, 0)].number, str(error)))
    body = lines[: captions[0][0]] if captions else lines
    printed = {(cell.place, cell.period) for cell in found}
    said = [cell for cell in sentences(body, period) if (cell.place, cell.period) not in printed]
    return Page(edition, found + said, flaws)


def _table(lines: Sequence[Line], period: str, known: Sequence[Column]) -> list[Cell]:
    parts = list(_parts(lines))
    starts = [
        n
        for n, part in enumerate(parts[:-1])
        if _NAME.match(part.text) and _VALUE.match(parts[n + 1].text)
    ]
    if not starts:
        raise LayoutDrift(NO_TABLE)
    numbered, columns = _layout([part.text for part in parts[: starts[0]]], known)
    found: list[Cell] = []
    for row, start in enumerate(starts, start=1):
        end = starts[row] if row < len(starts) else len(parts)
        found += [
            cell._replace(period=period)
            for cell in _row(parts[start:end], row, columns, numbered and row < len(starts))
        ]
    return found


def _parts(lines: Sequence[Line]) -> Iterator[_Part]:
    """Cells in order: between bars, one a line, or all on one line between blanks."""
    for row, (number, text) in enumerate(lines, start=1):
        if "|" in text:
            cells_ = [part.strip() for part in text.strip().removeprefix("|").split("|")]
            if cells_ and not cells_[-1]:
                cells_.pop()
            yield from (_Part(number, part, row) for part in cells_)
            continue
        words = text.split()
        if sum(bool(_NAME.match(a) and _VALUE.match(b)) for a, b in pairwise(words)) > 1:
            yield from (_Part(number, word, 0) for word in words)
        elif text.strip():
            yield _Part(number, text.strip(), 0)


def _layout(header: list[str], known: Sequence[Column]) -> tuple[bool, tuple[Column, ...]]:
    """Whether rows are numbered, and the columns: any sequence of headers of the map."""
    text = "".join(header)
    for key in (_key, _loose):
        # Where two headers differ by a lost bracket only, the one that is printed so is meant.
        likely = sorted(known, key=lambda column: plain(column.header) not in plain(text))
        columns = {key(column.header): column for column in reversed(likely)}
        names = "|".join(sorted(map(re.escape, columns), key=len, reverse=True))
        # The number of the first row stands before its city, so it ends the header's cells.
        match = re.fullmatch(rf"(序号)?(?:城市|地市|城市名称)((?:{names})+)1?", key(text))
        if match and bool(match[1]) == key(text).endswith("1"):
            return bool(match[1]), tuple(columns[n] for n in re.findall(names, match[2]))
    near = nearest(_key(text), [_key(column.header) for column in known]) or "none"
    raise LayoutDrift(f"headers of no known variant: found {_key(text)[:120]!r}; nearest: {near}")


def _row(
    parts: list[_Part], row: int, columns: tuple[Column, ...], has_next_number: bool
) -> list[Cell]:
    first = parts[0]
    if first.row:
        # Bars keep empty cells in their place.
        values = [part for part in parts[1:] if part.row == first.row]
    else:
        values = []
        for part in parts[1:]:
            if not _VALUE.match(part.text):
                break
            values.append(part)
        if has_next_number:
            values = values[:-1]
    needed = sum(not column.may_be_empty for column in columns)
    # The province's row has no index and no rank in variant B: its last cells are absent.
    is_short_region = first.text in _REGIONS and 0 < len(values) < needed
    if not (needed <= len(values) <= len(columns) or is_short_region):
        raise LayoutDrift(
            f"L{first.line}: {first.text} has {len(values)} values, expected {needed}"
        )
    return [
        Cell(first.text, column.header, part.text, column.unit, f"L{part.line}:r{row}c{n}")
        for n, (column, part) in enumerate(zip(columns, values, strict=False), start=1)
        if part.text or not column.may_be_empty
    ]


def sentences(lines: Sequence[Line], title: str) -> list[Cell]:
    """What sentences say of the province's air and rivers; title: the period where none is said."""
    found: dict[tuple[str, str, str, str], Cell] = {}

    def keep(cell: Cell) -> None:
        found.setdefault((cell.place, cell.header, cell.period, cell.scope), cell)

    for number, line in lines:
        text = plain(line)
        opening = _OPENING.match(text)
        period = _own_period(opening, title) if opening else title
        at = f"L{number}:text"
        for header, unit, pattern in _AIR:
            for match in pattern.finditer(text):
                for place in filter(None, (match[1] or "全省", match[2])):
                    keep(Cell(place, header, match[3], unit, at, period))
        for cell in _water(text):
            keep(cell._replace(locator=at, period=period))
    return list(found.values())


def _water(text: str) -> Iterator[Cell]:
    """Rates of a set of sections, and the cities that are named with a rank for it."""
    for match in _WATER.finditer(text):
        scope = f"{_KINDS[match[2]]}_{match[1]}"
        yield Cell("全省", "断面数", match[1], "个", "", scope=scope)
        yield Cell("全省", "水质优良率", match[3], "%", "", scope=scope)
        if match[5]:
            yield Cell("全省", "劣Ⅴ类断面比例", match[5], "%", "", scope=scope)
    for match in _WATER_RANK.finditer(text):
        sets = list(_WATER_SET.finditer(text, 0, match.start()))
        if not sets:
            continue
        scope = f"{_KINDS[sets[-1][2]]}_{sets[-1][1]}"
        best = [(n, city) for n, city in enumerate(_cities(match[2]), start=1)]
        last = _cities(match[5])
        # Read upwards from the end of the list (由高到低: the highest index first).
        ranks = range(CITIES, CITIES - len(last), -1) if match[4] else ()
        if len(best) == _COUNT[match[1]]:
            for rank, city in [*best, *zip(ranks, last, strict=False)]:
                yield Cell(city, "水环境质量排名", str(rank), "", "", scope=scope)


def _cities(text: str) -> list[str]:
    return [name for name in re.split(r"[、和]", text.removesuffix("市")) if name]


# ------------------------------------------------------------------------------- rows of the lake


def bulletin_rows(
    snapshots: Sequence[Snapshot], slice_: str, context: Context
) -> tuple[pl.DataFrame, list[Reject]]:
    """One slice as `bulletin_city_period` rows (superset of its columns) and its rejects."""
    frames, rejects = [], []
    for snapshot in snapshots:
        if snapshot.reader == "bulletin_page":
            rows, refused = page_rows(snapshot, context)
        else:
            rows, refused = cells.read_rows(snapshot, TRANSCRIPTION_COLUMNS, TABLE)
        frames.append(rows)
        rejects += refused
    rows = pl.concat(frames).with_columns(
        pl.concat_str(["place", "indicator", "period", "value", "unit"], separator=" | ").alias(
            "raw_text"
        )
    )
    rows, found = cells.vocabulary(rows, TABLE)
    rejects += found
    for step in (_periods, _measures):
        rows, found = step(rows, context)
        rejects += found
    rows, found = _values(rows)
    rejects += found
    rows, found = cells.places(rows, context, TABLE, "period_end")
    rejects += found
    rows, found = cells.attributes(rows, context, TABLE, "period_end")
    rejects += found
    # Stations and states are attributes of air; sections of rivers have their own.
    is_air = pl.col("scope") == ""
    rows = rows.with_columns(
        pl.when(is_air).then(name).alias(name) for name in ("network", "state")
    )
    # 广州 and 广州市 are one cell; the delta has no code and goes by its name.
    rows = rows.with_columns(pl.coalesce("place_code", "place_raw").alias("cell_place"))
    rows, found = cells.identities(
        rows,
        ("document", "edition", "locator", "place", "indicator", "period", "value", "read_from"),
        ("document", "edition", "cell_place", "measure", "scope", "period_start", "period_end"),
        ("number",),
        TABLE,
    )
    return rows.with_columns(
        pl.lit("environment").alias("source_id"),
        pl.col("indicator").alias("indicator_raw"),
        pl.col("unit").alias("unit_raw"),
        pl.col("value").alias("value_text"),
        pl.col("number").alias("value"),
        pl.col("scope").replace("", None).alias("section_set"),
        pl.col("note").replace("", None),
    ), [*rejects, *found]


def page_rows(snapshot: Snapshot, context: Context) -> tuple[pl.DataFrame, list[Reject]]:
    """A saved page in the columns of a transcription, with `line`; flaws of its tables.

    A table that is not in the text is a warning, since nothing can be done about it here; one
    whose headers or rows do not fit is an error, since a row of maps/headers.csv may mend it.
    """

    def reject(line: int, reason: str) -> Reject:
        absent = reason == NO_TABLE
        return Reject(
            snapshot.snapshot_id, f"L{line}", snapshot.file, TABLE, snapshot.slice, "",
            "a table of cities under the caption", "no city with a value" if absent else reason,
            "", reason if absent else "the table cannot be read (layout drift)",
            "warning" if absent else "error",
        )  # fmt: skip

    try:
        page = read_page(pages.read(snapshot.path, snapshot.file), context.headers)
    except (LayoutDrift, RefusedInput) as error:
        return cells.no_rows(TRANSCRIPTION_COLUMNS, snapshot), [reject(1, str(error))]
    said: Counter[str] = Counter()
    rows: list[dict[str, str | int]] = []
    for cell in page.cells:
        said[cell.locator] += 1
        # A sentence holds several values, and each may be a reject of its own.
        nth = f"[{said[cell.locator]}]" if said[cell.locator] > 1 else ""
        rows.append(
            {
                "at": f"{cell.locator}{nth}",
                "line": int(cell.locator[1:].split(":")[0]),
                "document": snapshot.document,
                "edition": page.edition,
                "locator": cell.locator,
                "place": cell.place,
                "indicator": cell.header,
                "period": cell.period,
                "scope": cell.scope,
                "unit": cell.unit,
                "value": cell.value,
                "status": "final",
                "source_kind": snapshot.source_kind,
            }
        )
    frame = cells.frame(rows, TRANSCRIPTION_COLUMNS, snapshot)
    return frame, [reject(line, reason) for line, reason in page.flaws]


def _periods(rows: pl.DataFrame, context: Context) -> tuple[pl.DataFrame, list[Reject]]:
    """`2021` is a year, `2021-12` a month, `2021-01/2021-10` the months from January on."""
    text = pl.col("period")
    kind = (
        pl.when(text.str.contains(r"^\d{4}$"))
        .then(pl.lit("year"))
        .when(text.str.contains(r"^\d{4}-\d{2}$"))
        .then(pl.lit("month"))
        .when(text.str.contains(r"^\d{4}-\d{2}/\d{4}-\d{2}$"))
        .then(pl.lit("months"))
    )
    first = pl.when(kind == "year").then(text + "-01-01").otherwise(text.str.slice(0, 7) + "-01")
    last = pl.when(kind == "year").then(text + "-12-01").otherwise(text.str.slice(-7) + "-01")
    start = first.str.to_date("%Y-%m-%d", strict=False)
    end = last.str.to_date("%Y-%m-%d", strict=False).dt.month_end()
    is_sound = kind.is_not_null() & (start <= end)
    rows = rows.with_columns(
        pl.when(is_sound).then(kind).alias("period_type"),
        pl.when(is_sound).then(start).alias("period_start"),
        pl.when(is_sound).then(end).alias("period_end"),
    )
    return rows, cells.problem(
        rows, pl.col("period_end").is_null(), "period", TABLE,
        expected="a year (2021), a month (2021-12) or months (2021-01/2021-10)",
        reason="the period cannot be read",
    )  # fmt: skip


def _measures(rows: pl.DataFrame, context: Context) -> tuple[pl.DataFrame, list[Reject]]:
    headers = context.headers.select("document", pl.col("header").alias("indicator"), "measure")
    rows = rows.join(headers, on=["document", "indicator"], how="left", maintain_order="left")
    known = context.headers["header"].unique().sort().to_list()
    unknown = ~pl.col("measure").is_in(list(MEASURES)).fill_null(False)
    first = rows.filter(unknown)["indicator"].unique(maintain_order=True).to_list()
    near = {text: nearest(text, known) for text in first}
    return rows, cells.problem(
        rows, unknown, "indicator", TABLE,
        expected="a header listed in sources/environment/maps/headers.csv",
        reason="the header is not mapped (layout drift)",
        candidates=pl.col("indicator").replace_strict(near, default="", return_dtype=pl.String),
    )  # fmt: skip


def _values(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """Numbers as printed, the sign of per cent aside; a rank is a whole number of its own."""
    text = cells.folded("value").str.strip_suffix("%")
    mark = cells.is_mark("value")
    is_rank = pl.col("measure").fill_null("").str.ends_with("_rank")
    parsed = (
        pl.when(is_rank)
        .then(cells.number(text, r"^\d{1,3}$"))
        .otherwise(cells.number(text, cells.SIGNED))
    )
    rows = rows.with_columns(pl.when(~mark).then(parsed).alias("number")).with_columns(
        pl.when(mark)
        .then(pl.col("value").replace("", "blank"))
        .when(pl.col("number").is_null())
        .then(pl.lit(cells.DAMAGED))
        .alias("null_mark"),
        pl.when(pl.col("number").is_not_null()).then(cells.decimals(text)).alias("decimals"),
    )
    return rows, cells.problem(
        rows, pl.col("null_mark") == cells.DAMAGED, "value", TABLE,
        expected="a number (a whole one for a rank) or a mark for no figure",
        reason="the value is not a number; the cell stays empty",
        candidates=cells.repaired(text), severity="warning",
    )  # fmt: skip

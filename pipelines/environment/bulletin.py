"""Bulletins of the province: the text of a page as cells, and transcribed cells as table rows.

Belongs here: the four table variants of 广东省城市环境空气质量状况 and its successors, their
sentences about the province, and `bulletin_city_period`: one row per printed value with its
measure, city and period. Not here: ranks, means or anything computed from the values (dbt).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from pipelines.archive.offers import TRANSCRIPTION_COLUMNS
from pipelines.archive.store import Snapshot
from pipelines.environment import cells
from pipelines.environment.cells import Context
from pipelines.errors import LayoutDrift, Reject, nearest

TABLE = "bulletin_city_period"
MEASURES = (
    "aqi_rate_pct", "pm25_ugm3", "pm10_ugm3", "no2_ugm3", "o3_8h_p90_ugm3", "composite_index",
    "composite_index_change_pct", "pm25_rank", "no2_rank", "aqi_rank", "composite_index_rank",
)  # fmt: skip
CITIES = 21

# ------------------------------------------------------------------------------- a page as cells


class Cell(NamedTuple):
    """One printed value of a page. unit as printed, or as the note under the table says."""

    place: str
    header: str
    value: str
    unit: str
    locator: str  # `L<line>:r<row>c<column>`, or `L<line>:text` for a sentence


class Column(NamedTuple):
    header: str
    unit: str
    may_be_empty: bool = False


_PM = "微克/立方米"
# Headers in order as printed, blanks aside. Codes as in the format notes, section 2.1.
LAYOUTS: dict[str, tuple[bool, tuple[Column, ...]]] = {
    "A": (
        True,
        (
            Column("AQI达标率", "%"), Column("PM2.5浓度", _PM), Column("PM10浓度", _PM),
            Column("O3评价浓度", _PM), Column("PM2.5排名", ""), Column("AQI排名", ""),
        ),
    ),
    "B": (
        False,
        (
            Column("可吸入颗粒物(PM10月平均浓度(微克/立方米)", _PM),
            Column("细颗粒物(PM2.5月平均浓度(微克/立方米)", _PM),
            Column("空气质量达标天数比例", "%"), Column("环境空气质量指数", ""), Column("排名", ""),
            Column("综合指数变化率", "%"),
            # Empty for every city that meets all limits: the row then comes out one cell short.
            Column("未达标城市空气质量同比变化程度排名", "", may_be_empty=True),
        ),
    ),
    "C": (
        False,
        (
            Column("可吸入颗粒物(PM10)月平均浓度(微克/立方米)", _PM),
            Column("细颗粒物(PM2.5)月平均浓度(微克/立方米)", _PM),
            Column("环境空气综合质量指数", ""), Column("排名", ""),
            Column("空气质量达标天数比例(%)", "%"),
        ),
    ),
    "D": (
        True,
        (
            Column("AQI达标率", "%"), Column("PM2.5浓度", _PM), Column("NO2浓度", _PM),
            Column("O3评价浓度", _PM), Column("PM2.5排名", ""), Column("NO2排名", ""),
            Column("AQI排名", ""),
        ),
    ),
}  # fmt: skip
_REGIONS = ("全省", "珠三角", "珠三角地区")
_TITLE = re.compile(r"\((20\d\d)年(?:(\d{1,2})[-~—–])?(\d{1,2})月\)")
_CAPTION = re.compile(r"^\s*附?表\s*\d?\s*20\d\d年.*空气质量")
_NAME = re.compile(r"^[\u4e00-\u9fff]{2,6}$")
_VALUE = re.compile(r"^(?:[+-]?\d+(?:\.\d+)?%?|[-—])$")
# 全省 and the delta in one sentence each, or both at once ("全省与珠三角PM2.5平均浓度均为30…").
_SENTENCES = (
    ("AQI达标率", "%", re.compile(r"(全省|珠三角地区|珠三角)AQI达标率为(\d+(?:\.\d+)?%)")),
    (
        "PM2.5平均浓度",
        _PM,
        re.compile(
            r"(全省|珠三角地区|珠三角)(?:与(珠三角))?PM2\.5平均浓度均?为(\d+(?:\.\d+)?)微克/立方米"
        ),
    ),
)


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def _key(text: str) -> str:
    """How headers are compared: without blanks and brackets, which a lost subscript breaks."""
    return re.sub(r"[()\[\]]", "", _plain(text))


def period_of(text: str) -> tuple[str, str]:
    """(edition, period) from the title: `2021-12`, or `2021-01_2021-10` and `2021-01/2021-10`.

    Never from an address or the body: ids do not follow periods and 年 gets lost in the body.
    """
    match = _TITLE.search(_plain(text))
    if match is None or not 1 <= int(match[3]) <= 12:
        raise LayoutDrift("no title with a period like (2021年12月) or (2021年1-10月) on the page")
    last = f"{match[1]}-{int(match[3]):02d}"
    if match[2] is None:
        return last, last
    first = f"{match[1]}-{int(match[2]):02d}"
    return f"{first}_{last}", f"{first}/{last}"


def read_page(text: str) -> list[Cell]:
    """Printed values of a bulletin's first air table and of its sentences about the province.

    text: one cell per line, or cells of a row between `|`. LayoutDrift: there is no table in the
    text (it may be a picture), headers of no known variant, or a row that does not fit them.
    """
    lines = text.splitlines()
    captions = [n for n, line in enumerate(lines) if _CAPTION.search(line)]
    if not captions:
        raise LayoutDrift("no table caption like 附表1 2021年12月全省城市环境空气质量… found")
    parts = [
        (number, part.strip())
        for number, line in enumerate(lines[captions[0] + 1 :], start=captions[0] + 2)
        for part in line.split("|")
        if part.strip()
    ]
    starts = [
        n
        for n, (_, part) in enumerate(parts[:-1])
        if _NAME.match(part) and _VALUE.match(parts[n + 1][1])
    ]
    if not starts:
        raise LayoutDrift("the table is not in the text: no city with a value follows the caption")
    numbered, columns = _layout([part for _, part in parts[: starts[0]]])
    found: list[Cell] = []
    for row, start in enumerate(starts, start=1):
        end = starts[row] if row < len(starts) else len(parts)
        found += _row(parts[start:end], row, columns, numbered and row < len(starts))
    in_table = {cell.place for cell in found}
    return found + [cell for cell in _sentences(lines[: captions[0]]) if cell.place not in in_table]


def _layout(header: list[str]) -> tuple[bool, tuple[Column, ...]]:
    printed = _key("".join(header))
    known = {}
    for numbered, columns in LAYOUTS.values():
        names = [*(["序号"] if numbered else []), "城市", *(column.header for column in columns)]
        # The number of the first row stands before its city, so it ends the header's cells.
        known[_key("".join(names)) + ("1" if numbered else "")] = (numbered, columns)
    if printed not in known:
        near = nearest(printed, list(known)) or "none"
        raise LayoutDrift(f"headers of no known variant: found {printed!r}; nearest: {near}")
    return known[printed]


def _row(
    parts: list[tuple[int, str]], row: int, columns: tuple[Column, ...], has_next_number: bool
) -> list[Cell]:
    line, place = parts[0]
    values: list[tuple[int, str]] = []
    for part in parts[1:]:
        if not _VALUE.match(part[1]):
            break
        values.append(part)
    if has_next_number:
        values = values[:-1]
    needed = sum(not column.may_be_empty for column in columns)
    # The province's row has no index and no rank in variant B: its last cells are absent.
    is_short_region = place in _REGIONS and 0 < len(values) < needed
    if not (needed <= len(values) <= len(columns) or is_short_region):
        raise LayoutDrift(f"L{line}: {place} has {len(values)} values, expected {needed}")
    return [
        Cell(place, column.header, value, column.unit, f"L{at}:r{row}c{n}")
        for n, (column, (at, value)) in enumerate(zip(columns, values, strict=False), start=1)
    ]


def _sentences(lines: list[str]) -> list[Cell]:
    found: dict[tuple[str, str], Cell] = {}
    for number, line in enumerate(lines, start=1):
        for header, unit, pattern in _SENTENCES:
            for match in pattern.finditer(_plain(line)):
                *places, value = match.groups()
                for place in filter(None, places):
                    cell = Cell(place, header, value, unit, f"L{number}:text")
                    found.setdefault((place, header), cell)
    return list(found.values())


# ------------------------------------------------------------------------------- rows of the lake


def bulletin_rows(
    snapshots: Sequence[Snapshot], slice_: str, context: Context
) -> tuple[pl.DataFrame, list[Reject]]:
    """One slice as `bulletin_city_period` rows (superset of its columns) and its rejects."""
    frames, rejects = [], []
    for snapshot in snapshots:
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
    rows, found = cells.identities(
        rows,
        ("document", "edition", "locator", "place", "indicator", "period", "value", "read_from"),
        ("document", "edition", "place_raw", "measure", "period_start", "period_end"),
        TABLE,
    )
    return rows.with_columns(
        pl.lit("environment").alias("source_id"),
        pl.col("indicator").alias("indicator_raw"),
        pl.col("unit").alias("unit_raw"),
        pl.col("value").alias("value_text"),
        pl.col("number").alias("value"),
        pl.col("note").replace("", None),
    ), [*rejects, *found]


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

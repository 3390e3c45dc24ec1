"""The transcription command: originals in, `sources/yearbook/transcriptions` out.

Belongs here: copying printed values out of the files a founder holds into one CSV per (document,
edition), each with the place it was read from. Not here: parsing numbers, converting units,
mapping names, correcting anything. A value leaves as it was printed; the same originals give the
same bytes.

Run it with `python -m pipelines.yearbook.transcribe FOLDER_OF_ORIGINALS`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from python_calamine import CalamineWorkbook

from pipelines.errors import LayoutDrift, RefusedInput
from pipelines.yearbook.workbook import column_letters, squeezed


class Printed(NamedTuple):
    """One printed value and where it was read; the columns of every transcription file."""

    document: str
    edition: str
    locator: str
    place: str
    indicator: str
    period: str
    scope: str
    unit: str
    value: str
    status: str
    source_kind: str
    read_from: str
    read_sha256: str
    read_locator: str
    note: str = ""


class Origin(NamedTuple):
    """Where a held file came from: path prefix, what the file is, origin, licence."""

    prefix: str
    source_kind: str
    origin: str
    licence: str


ORIGINS = (
    Origin("yearbook/china_city_yearbook/", "transcription",
           "github Zeeny-lin/vibe-coding-gis- 2bed226, rows extracted by this project",
           "not stated"),
    Origin("yearbook/guangdong_yearbook_derived/", "secondary",
           "github zMaliu/26Statistical-Modeling d1ae0cd", "not stated"),
    Origin("yearbook/guangdong_yearbook_web/", "transcription",
           "nianjianbao.com/2024gdtjnj, copied from page text by this project", "not stated"),
    Origin("yearbook/local_debt_atlas/", "secondary",
           "github chenfei2008c/china-local-debt-atlas 1dce311", "not stated"),
    Origin("yearbook/gba_portal/gba_cities", "transcription",
           "github mo-ziqian/greater-bay-area-convergence-r eef77a9, cells listed by this project",
           "not stated"),
    Origin("yearbook/gba_portal/", "mirror",
           "github mo-ziqian/greater-bay-area-convergence-r eef77a9", "not stated"),
    Origin("yearbook/stats_gd_gov_cn/", "mirror",
           "stats.gd.gov.cn post_4854894, by way of github chenfei2008c/china-local-debt-atlas "
           "1dce311", "not stated"),
    Origin("yearbook/census/", "secondary", "github leiii/census 0ba0f1e", "MIT"),
    Origin("yearbook/nbs_export/", "mirror", "github Dragon1573/Math_Modeling 339816d", "MIT"),
    Origin("yearbook/county/page_facts", "secondary", "reposts named in the note of each row",
           "not stated"),
    Origin("yearbook/county/", "secondary",
           "github akiakutaji/Economic-spatial-pattern-in-Guangdong 56e7a40", "not stated"),
)  # fmt: skip

Line = tuple[int, dict[str, str]]


@dataclass
class Originals:
    """The held files, each read once; `used` remembers the bytes for `originals.csv`."""

    root: Path
    used: dict[str, bytes] = field(default_factory=dict)
    parsed: dict[str, list[Line]] = field(default_factory=dict)

    def read(self, path: str) -> bytes:
        if path not in self.used:
            file = self.root / path
            if not file.is_file():
                raise RefusedInput(f"{path}: not in the folder of originals {self.root.name!r}")
            self.used[path] = file.read_bytes()
        return self.used[path]

    def digest(self, path: str) -> str:
        return hashlib.sha256(self.read(path)).hexdigest()

    def lines(self, path: str) -> list[Line]:
        """Rows of a CSV with the line each one starts on (quoted cells may span lines)."""
        if path not in self.parsed:
            reader = csv.reader(io.StringIO(self.read(path).decode("utf-8-sig"), newline=""))
            header = next(reader)
            rows, start = [], reader.line_num + 1
            for cells in reader:
                rows.append((start, dict(zip(header, cells, strict=True))))
                start = reader.line_num + 1
            self.parsed[path] = rows
        return self.parsed[path]

    def sheet(self, path: str) -> tuple[str, list[list[str]]]:
        """First sheet of a workbook: its name and its cells as text."""
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(self.read(path)))
        name = workbook.sheet_names[0]
        rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
        return name, [[_cell_text(cell) for cell in row] for row in rows]

    def seen(self, path: str, locator: str) -> dict[str, str]:
        return {
            "read_from": path,
            "read_sha256": self.digest(path)[:12],
            "read_locator": locator,
        }


def _cell_text(cell: object) -> str:
    """A number cell as its shortest exact text; a whole number without the `.0` of a float."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


# ------------------------------------------------------------------ China City Statistical Yearbook
_CITY = "yearbook/china_city_yearbook"
_SCOPE = re.compile(r"全\s*[市巿]|市辖区|^\s*地区\s*$")
# The sheet prints no unit here; the 人 of the extracted list is that list's guess, and a wrong one.
_NO_PRINTED_UNIT = {("2018", "county_city", "人口状况 | 年末户籍人口")}


def printed_scope(header: str) -> str:
    """The scope that a header path prints (全市, 市辖区, 地区), innermost level first."""
    for segment in reversed(header.split("|")):
        if found := _SCOPE.search(segment):
            return found.group().strip()
    return ""


def _raw_sheet(held: Originals, edition: str, kind: str, header: str, column: str) -> str:
    """The raw_rows file of a cell. Edition 2022 has one file per county table: header decides."""
    stem = f"{_CITY}/raw_rows/{edition}_{kind}"
    names = [f"{stem}_rows.csv"]
    if not (held.root / names[0]).is_file():
        names = [f"{stem}_3-{table}_rows.csv" for table in range(1, 5)]
    for name in names:
        column_cells = (squeezed(row.get(column, "")) for _, row in held.lines(name))
        if len(names) == 1 or squeezed(header) in column_cells:
            return name
    raise LayoutDrift(f"{stem}: no table has the header {header!r} in column {column}")


def _ambiguous_headers(lines: list[Line]) -> set[tuple[str, str]]:
    """(edition, header) pairs that stand over more than one column of the sheet."""
    columns = defaultdict(set)
    for _, row in lines:
        columns[row["edition"], row["source_header"]].add(row["source_col"])
    return {key for key, found in columns.items() if len(found) > 1}


def _city_yearbook_sheet(held: Originals, kind: str) -> Iterator[Printed]:
    listing = f"{_CITY}/{kind}_core_indicators_long.csv"
    lines = held.lines(listing)
    ambiguous = _ambiguous_headers(lines)
    by_source_row: dict[str, dict[str, Line]] = {}
    for line, row in lines:
        edition, header = row["edition"], row["source_header"]
        column = f"c{row['source_col']}"
        letters = column_letters(int(row["source_col"]))
        name = _raw_sheet(held, edition, kind, header, column)
        cells = by_source_row.setdefault(
            name, {cells["source_row"]: (at, cells) for at, cells in held.lines(name)}
        )
        raw_line, raw = cells.get(row["source_row"], (0, {}))
        verified = raw.get(column, "").strip() == row["value_raw"].strip()
        sheet = name.removeprefix(f"{_CITY}/raw_rows/{edition}_").removesuffix("_rows.csv")
        yield Printed(
            document="china_city_yearbook",
            edition=edition,
            locator=f"{sheet}!{letters}{row['source_row']}",
            place=raw["c1"].strip() if verified else row["city_name"],
            indicator=header + (f" [column {letters}]" if (edition, header) in ambiguous else ""),
            period=row["data_year"],
            scope=printed_scope(header),
            unit="" if (edition, kind, header) in _NO_PRINTED_UNIT else row["unit"],
            value=row["value_raw"].strip(),
            status="final",
            source_kind="transcription",
            **(
                held.seen(name, f"L{raw_line}:{column}")
                if verified
                else held.seen(listing, f"L{line}")
            ),
            note=row["note"],
        )


def china_city_yearbook(held: Originals) -> Iterator[Printed]:
    """Editions 2000-2024: prefectures, then county-level cities."""
    yield from _city_yearbook_sheet(held, "prefecture")
    yield from _city_yearbook_sheet(held, "county_city")


# ------------------------------------------------------------------ Guangdong Statistical Yearbook
# The parser searched tables by title and met the index tables; the header map has the meaning.
_MISNAMED = dict.fromkeys(
    ("secondary_value_added", "tertiary_value_added"), "misnamed: index, previous year = 100"
)


def _guangdong_derived(held: Originals) -> Iterator[Printed]:
    path = "yearbook/guangdong_yearbook_derived/cities_2018_2023_long.csv"
    for line, row in held.lines(path):
        yield Printed(
            "guangdong_yearbook", row["source_yearbook"], f"L{line}", row["city_name"],
            row["original_column"], row["data_year"], "", row["unit"], row["value"],
            "final", "secondary", **held.seen(path, f"L{line}"),
            note=_MISNAMED.get(row["original_column"], ""),
        )  # fmt: skip


def _guangdong_web(held: Originals) -> Iterator[Printed]:
    # The title of 12-06-0 was not kept when its text was copied; the column name stands for it.
    titles = {
        "10-21": "10-21 全省各市农村居民人均消费支出",
        "12-06-0": "12-06-0 industrial_enterprises_above_designated_size",
    }
    for table, title in titles.items():
        path = f"yearbook/guangdong_yearbook_web/gdtjnj2024_table_{table}_long.csv"
        for line, row in held.lines(path):
            place, year = row["area_name"], row["data_year"]
            yield Printed(
                "guangdong_yearbook", row["edition"], f"{table}!{place}/{year}", place, title,
                year, "", row["unit"], row["value"], "final", "transcription",
                **held.seen(path, f"L{line}"),
            )  # fmt: skip


def _guangdong_2025(held: Originals) -> Iterator[Printed]:
    """Rows of the debt atlas that cite edition 2025. Budget columns may come from other documents
    that those rows cite as well, so they are left out; debt tables hold no GDP and no population.
    """
    path = "yearbook/local_debt_atlas/city_macro_fiscal_gd_bj_sh_2018_2026.csv"
    columns = {
        "gdp_current_100m": "亿元",
        "gdp_real_growth_pct": "%",
        "resident_population_10k": "万人",
    }
    for line, row in held.lines(path):
        if "SRC-GD-YEARBOOK-2025" not in row["source_doc_id"].split(";"):
            continue
        grade = row["source_grade"]
        for column, unit in columns.items():
            yield Printed(
                "guangdong_yearbook", "2025", f"L{line}:{column}", row["city_name_cn"], column,
                row["metric_year"], "", unit, row[column], "final", "secondary",
                **held.seen(path, f"L{line}:{column}"),
                note=f"row graded {grade} by its author (a rating report is cited beside the "
                "yearbook)" if grade == "B2" else "",
            )  # fmt: skip


def _guangdong_counties_2019(held: Originals) -> Iterator[Printed]:
    path = "yearbook/county/zhaoqing_qingyuan_counties_2019_long.csv"
    for line, row in held.lines(path):
        name, bracket, _ = row["county_name"].partition(" (")
        yield Printed(
            "guangdong_yearbook", row["edition"], f"L{line}", f"{row['county_code']} {name}",
            row["indicator"], row["data_year"], "", row["unit"], row["value"], "final", "secondary",
            **held.seen(path, f"L{line}"),
            note="one polygon of two districts; per-head value is a sum of two" if bracket else "",
        )  # fmt: skip


def guangdong_yearbook(held: Originals) -> Iterator[Printed]:
    """Editions 2020-2025, from other people's parses and two mirrored tables."""
    yield from _guangdong_derived(held)
    yield from _guangdong_web(held)
    yield from _guangdong_2025(held)
    yield from _guangdong_counties_2019(held)


# ------------------------------------------------------------------ Greater Bay Area portal
_FLAGS = {"r": "revised", "p": "preliminary"}
_OUTSIDE = ("香港", "澳门")


def _flag_note(flag: str) -> str:
    return f"stray flag cell {flag!r}" if flag and flag not in _FLAGS else ""


def _gba_workbook(held: Originals, name: str) -> Iterator[Printed]:
    """Title in row 2, unit in row 3, cities in row 4 (value and flag), then one row a year."""
    path = f"yearbook/gba_portal/{name}.xls"
    sheet, rows = held.sheet(path)
    title, unit = "".join(rows[1]), "".join(rows[2])
    for number, row in enumerate(rows[4:], start=5):
        if not re.fullmatch(r"\d{4}", row[0]):
            break
        for column, place in enumerate(rows[3]):
            if column == 0 or not place or place.startswith(_OUTSIDE):
                continue
            cell = f"{column_letters(column + 1)}{number}"
            flag = row[column + 1]
            yield Printed(
                "gba_portal", "2025", f"{sheet}!{cell}", place, title, row[0], "", unit,
                row[column], _FLAGS.get(flag, "unknown"), "transcription",
                **held.seen(path, cell), note=_flag_note(flag),
            )  # fmt: skip


def _gba_per_head(held: Originals) -> Iterator[Printed]:
    """The GDP per head workbook is kept apart for acceptance; its cells are listed in the CSV."""
    path = "yearbook/gba_portal/gba_cities_1999_2024_long.csv"
    for line, row in held.lines(path):
        if row["indicator"] != "gdp_per_capita" or row["city_name"].startswith(_OUTSIDE):
            continue
        flag = row["flag"].strip()
        cell = f"{column_letters(int(row['source_col']))}{row['source_row']}"
        value = row["value_text"].strip() or row["value_num"].removesuffix(".0")
        yield Printed(
            "gba_portal", "2025", f"gdp_per_capita!{cell}", row["city_name"], "gdp_per_capita",
            row["data_year"], "", "元", value, _FLAGS.get(flag, "unknown"), "transcription",
            **held.seen(path, f"L{line}"), note=_flag_note(flag),
        )  # fmt: skip


def gba_portal(held: Originals) -> Iterator[Printed]:
    """Mainland cities of the Greater Bay Area, 1999-2024."""
    for name in ("gba_gdp", "gba_population", "gba_employment"):
        yield from _gba_workbook(held, name)
    yield from _gba_per_head(held)


# ------------------------------------------------------------------ preliminary GDP page
class _TableGrid(HTMLParser):
    """The one table of a page as a grid; a spanning cell repeats in every place it covers."""

    def __init__(self) -> None:
        super().__init__()
        self.grid: dict[tuple[int, int], str] = {}
        self.row = 0
        self.text: list[str] | None = None
        self.spans = (1, 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.row += 1
        elif tag == "td":
            found = {key: int(value or 1) for key, value in attrs if key in {"rowspan", "colspan"}}
            self.spans = (found.get("rowspan", 1), found.get("colspan", 1))
            self.text = []

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag != "td" or self.text is None:
            return
        column = 1
        while (self.row, column) in self.grid:
            column += 1
        for down in range(self.spans[0]):
            for right in range(self.spans[1]):
                self.grid[self.row + down, column + right] = squeezed("".join(self.text))
        self.text = None


def gd_preliminary_gdp(held: Originals) -> Iterator[Printed]:
    """The page of 2026-02-08: preliminary GDP 2025 of 21 cities, levels and growth."""
    path = "yearbook/stats_gd_gov_cn/post_4854894_2025_city_gdp_preliminary.html"
    page = _TableGrid()
    page.feed(held.read(path).decode("utf-8"))
    for row, column in sorted(page.grid):
        if row < 3 or column < 2:
            continue
        group, name = page.grid[1, column], page.grid[2, column]
        yield Printed(
            "gd_preliminary_gdp", "2026", f"r{row}c{column}", page.grid[row, 1],
            f"{group} | {name}", "2025", "", group.split("（")[1].rstrip("）"),
            page.grid[row, column], "preliminary", "transcription",
            **held.seen(path, f"r{row}c{column}"),
        )  # fmt: skip


# ------------------------------------------------------------------ population censuses
_CENSUS = {
    "2010": ("地区", {"合计": "合计", "城镇人口": "城镇人口", "乡村人口": "乡村人口"}),
    "2020": (
        "区县",
        {
            "人口数_合计": "人口数 | 合计",
            "城镇人口": "城镇人口",
            "乡村人口": "乡村人口",
            "城区人口": "城区人口",
        },
    ),
}


def population_census(held: Originals) -> Iterator[Printed]:
    """Province, city and county rows of the 2010 and 2020 censuses, moment 1 November."""
    for edition, (name, columns) in _CENSUS.items():
        path = f"yearbook/census/census{edition}_county_gd_bj_sh.csv"
        for line, row in held.lines(path):
            place = f"{row['区划代码']} {row[name].strip()}"
            for number, column in enumerate(row, start=1):
                if column not in columns:
                    continue
                at = f"L{line}:c{number}"
                yield Printed(
                    "population_census", edition, at, place, columns[column], f"{edition}-11-01",
                    "", "人", row[column].strip(), "final", "secondary", **held.seen(path, at),
                )  # fmt: skip


# ------------------------------------------------------------------ National Bureau export
_NBS_FILES = {
    "20_Major_GDP": ("北京", "上海", "广州", "深圳"),
    "20_Guangzhou_All": ("第一产业", "第二产业", "第三产业"),
    "20_Shenzhen_All": ("第一产业", "第二产业", "第三产业"),
}


def nbs_major_city_export(held: Originals) -> Iterator[Printed]:
    """Exports of data.stats.gov.cn whose newest year, 2018, was still blank."""
    for name, wanted in _NBS_FILES.items():
        path = f"yearbook/nbs_export/{name}.xls"
        _, rows = held.sheet(path)
        kind, subject = rows[1][0].split("：")
        for number, row in enumerate(rows[4:], start=5):
            if not row[0].startswith(wanted):
                continue
            indicator, place = (row[0], subject) if kind == "地区" else (subject, row[0])
            for column, year in enumerate(rows[3]):
                if column == 0 or not row[column]:
                    continue
                cell = f"{column_letters(column + 1)}{number}"
                yield Printed(
                    "nbs_major_city_export", "2019", f"{name}!{cell}", place, indicator,
                    year.removesuffix("年"), "", indicator.split("(")[1].rstrip(")"),
                    row[column], "unknown", "transcription", **held.seen(path, cell),
                )  # fmt: skip


# ------------------------------------------------------------------ county communiques
def county_communique(held: Originals) -> Iterator[Printed]:
    """Reposted communiques of counties and cities. Edition = year the communique is about + 1."""
    path = "yearbook/county/page_facts_county_city.csv"
    for line, row in held.lines(path):
        about = re.search(r"(20\d\d)(?:年| communique)", row["source"])
        if about is None:
            raise LayoutDrift(f"{path} L{line}: the source names no year: {row['source']!r}")
        yield Printed(
            "county_communique", str(int(about.group(1)) + 1), f"L{line}",
            f"{row['code']} {row['name']}", row["indicator"], row["data_year"], "", row["unit"],
            row["value"], "preliminary", "secondary", **held.seen(path, f"L{line}"),
            note=f"{row['trust']} trust; {row['source']}",
        )  # fmt: skip


# ------------------------------------------------------------------ cross-checks and writing
READERS: tuple[Callable[[Originals], Iterator[Printed]], ...] = (
    china_city_yearbook,
    guangdong_yearbook,
    gba_portal,
    gd_preliminary_gdp,
    population_census,
    nbs_major_city_export,
    county_communique,
)


def _agreement(rows: Iterable[tuple[str, str, str]], listed: Iterable[tuple[str, str, str]]) -> str:
    """How many listed (place, year, value) triples the cells we read confirm, as `n of m`."""

    def comparable(triple: tuple[str, str, str]) -> tuple[str, str, float]:
        place, year, value = triple
        return place.removesuffix("市"), year, float(value)

    found = Counter(map(comparable, rows))
    wanted = Counter(map(comparable, listed))
    return f"{sum((found & wanted).values())} of {sum(wanted.values())}"


def cross_checks(held: Originals, rows: list[Printed]) -> list[str]:
    """Cells that we read ourselves against the lists that an earlier reader made of them."""
    lists = {
        "gd_preliminary_gdp": (
            "yearbook/stats_gd_gov_cn/post_4854894_2025_city_gdp_preliminary_long.csv", "area_name"
        ),
        "nbs_major_city_export": ("yearbook/nbs_export/nbs_major_city_gdp_long.csv", "city_name"),
        "gba_portal": ("yearbook/gba_portal/gba_cities_1999_2024_long.csv", "city_name"),
    }  # fmt: skip
    report = []
    for document, (path, name) in lists.items():
        ours = [
            (row.place, row.period, row.value)
            for row in rows
            if row.document == document and re.fullmatch(r"-?[\d.]+", row.value)
        ]
        listed = [
            (row[name], row["data_year"], row.get("value") or row["value_num"])
            for _, row in held.lines(path)
            if (row.get("value") or row.get("value_num")) and not row[name].startswith(_OUTSIDE)
        ]
        report.append(f"{document}: {_agreement(ours, listed)} listed values equal the cells read")
    verified = Counter(
        "raw_rows" in row.read_from for row in rows if row.document == "china_city_yearbook"
    )
    report.append(
        f"china_city_yearbook: {verified[True]} of {verified.total()} values equal their raw cell"
    )
    return report


def _write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def _origin(path: str) -> Origin:
    for origin in ORIGINS:
        if path.startswith(origin.prefix):
            return origin
    raise RefusedInput(f"{path}: no origin is declared for this file in ORIGINS")


def _write_originals(held: Originals, target: Path) -> None:
    rows = []
    for path in sorted(held.used):
        origin = _origin(path)
        rows.append((path, held.digest(path), len(held.used[path]), *origin[1:]))
    header = ("path", "sha256", "bytes", "source_kind", "origin", "licence")
    _write_csv(target, header, rows)


def transcribe(originals: Path, sources: Path) -> list[str]:
    """Write every transcription below `sources/yearbook/transcriptions`; return what was done.

    `originals` is the folder that holds `data/yearbook` (or `yearbook` itself). Raises RefusedInput
    for a file that is absent and LayoutDrift for a table that no longer looks as it did.
    """
    root = originals / "data"
    held = Originals(root if root.is_dir() else originals)
    rows = [row for reader in READERS for row in reader(held)]
    report = cross_checks(held, rows)
    files: dict[tuple[str, str], list[Printed]] = defaultdict(list)
    for row in rows:
        files[row.document, row.edition].append(row)
    target = sources / "yearbook" / "transcriptions"
    for (document, edition), printed in sorted(files.items()):
        _write_csv(target / document / f"{edition}.csv", Printed._fields, printed)
        report.append(f"{document}/{edition}.csv: {len(printed)} values")
    _write_originals(held, target / "originals.csv")
    report.append(f"originals.csv: {len(held.used)} files read")
    return report


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m pipelines.yearbook.transcribe FOLDER_OF_ORIGINALS\n")
        return 2
    sources = Path(__file__).resolve().parents[2] / "sources"
    sys.stdout.write("\n".join(transcribe(Path(arguments[0]), sources)) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

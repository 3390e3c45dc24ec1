"""The transcription command: originals in, `sources/environment` out.

Belongs here: copying printed values of bulletins, daily records and standards into CSV, each with
the file and line it was read from. Not here: parsing numbers, computing or correcting anything.
The same originals give the same bytes. Sentences of a bulletin stay out: only their figures.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.archive.offers import TRANSCRIPTION_COLUMNS
from pipelines.environment import air, bulletin, pages
from pipelines.errors import LayoutDrift, RefusedInput
from pipelines.registry.tables import read_text_csv
from pipelines.settings import Settings

BULLETIN = "gd_env_bulletin"
DAILY = "aqistudy_37cities_2013_2017"
MEANS = "aqi_vibe_annual_means"
BULLETINS = ("2017-08", "2019-06", "2021-12", "2022-01", "2022-06", "2023-12")
# What the folder of bulletins says about each page (SOURCES.md and the listing of tables).
_ADDRESSES = "environment/bulletins/monthly_bulletin_tables.csv"
# Excerpts of pages whose tables are not in the text: their sentences about rivers, by the address
# that stands above each. The first one begins behind its title.
_EXCERPTS = "environment/bulletins/text_only_excerpts.md"
WATER = {
    "http://gdee.gd.gov.cn/ztzl_13387/st/content/post_2973254.html": "2020-01_2020-02",
    "http://huanbaofz.org.cn/show-244283.html": "2021-01_2021-10",
    "https://gdee.gd.gov.cn/gkmlpt/content/4/4500/post_4500088.html": "2024-01_2024-08",
}
_MEANS = "environment/derived/aqi_vibe_annual_pm_means.csv"
_MEANS_UNITS = {"pm25_avg": "微克/立方米", "pm10_avg": "微克/立方米", "days_count": "天"}
DAILY_CITIES = ("广州", "深圳", "珠海", "北京", "上海")
DAILY_YEAR = "2016"
_DAILY_HEADER = [
    "日期", "AQI", "AQI级别", "PM2.5", "PM10", "SO2", "CO", "NO2", "O3_8h", "排名",
]  # fmt: skip
_BREAKPOINTS = "environment/standards/hj633_2012_iaqi_breakpoints.csv"
_LIMITS = "environment/standards/gb3095_2012_table1_limits.csv"

# HJ 633-2012 and GB 3095-2012 hold nationwide from 2016. Their successors of 2026 are known by name
# only (formats/environment, section 4), so no day after 2025 is judged by the old tables.
_VALID = ("2016-01-01", "2025-12-31")
_POLLUTANTS = {
    "SO2": "so2", "NO2": "no2", "PM10": "pm10", "PM2.5": "pm25", "CO": "co", "O3_8h": "o3_8h",
    "O3": "o3",
}  # fmt: skip
_AVERAGINGS = {
    "年平均": "year", "24小时平均": "24h", "1小时平均": "1h", "日最大8小时平均": "max_8h",
}  # fmt: skip
# The ranking rule (环办〔2014〕64号): which limit of class II divides which statistic.
_COMPOSITE = (
    ("so2", "year", "SO2", "年平均"), ("no2", "year", "NO2", "年平均"),
    ("pm10", "year", "PM10", "年平均"), ("pm25", "year", "PM2.5", "年平均"),
    ("co", "p95_24h", "CO", "24小时平均"), ("o3_8h", "p90_max_8h", "O3", "日最大8小时平均"),
)  # fmt: skip
_BREAKPOINT_COLUMNS = (
    "standard", "report", "pollutant", "averaging", "unit", "iaqi", "concentration", "valid_from",
    "valid_to", "read_from", "read_sha256", "read_locator",
)  # fmt: skip
_LIMIT_COLUMNS = (
    "standard", "purpose", "pollutant", "averaging", "unit", "limit_value", "valid_from",
    "valid_to", "note", "read_from", "read_sha256", "read_locator",
)  # fmt: skip
_ORIGINS = {
    "environment/bulletins/": (
        "transcription", "gdee.gd.gov.cn or a re-post, text transcribed by hand", "not stated",
    ),
    "environment/aqistudy_37cities_2013_2017/": (
        "mirror", "github qhzhang87/China-AQI-Shiny-App 7b2c724f, crawled from aqistudy.cn",
        "not stated",
    ),
    "environment/derived/": (
        "secondary", "github RuntimeErrorz/aqi-vibe d478e65d, history_summary.json, made of "
        "quotsoft.net", "not stated",
    ),
    "environment/standards/hj633": (
        "secondary", "as coded in github coeusite/cnemc-calculator 78749400 and "
        "Qinxiaoying/ShanTou 5f40733d", "facts of a standard",
    ),
    "environment/standards/gb3095": (
        "secondary", "text of GB 3095-2012 in github versey-sherry/china_air 861a6dad",
        "facts of a standard",
    ),
}  # fmt: skip


@dataclass
class Originals:
    """The held files, each read once; `used` remembers the bytes for `originals.csv`."""

    root: Path
    used: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> str:
        if path not in self.used:
            file = self.root / path
            if not file.is_file():
                raise RefusedInput(f"{path}: not in the folder of originals {self.root.name!r}")
            self.used[path] = file.read_bytes()
        return self.used[path].decode("utf-8-sig")

    def lines(self, path: str) -> Iterator[tuple[int, dict[str, str]]]:
        """Rows of a CSV with the line each one starts on."""
        reader = csv.reader(io.StringIO(self.read(path), newline=""))
        header = next(reader)
        start = reader.line_num + 1
        for cells in reader:
            yield start, dict(zip(header, cells, strict=True))
            start = reader.line_num + 1

    def seen(self, path: str, locator: str) -> dict[str, str]:
        digest = hashlib.sha256(self.used[path]).hexdigest()
        return {"read_from": path, "read_sha256": digest[:12], "read_locator": locator}


Row = Mapping[str, str]


def _bulletin(held: Originals, edition: str, headers: pl.DataFrame) -> Iterator[Row]:
    path = f"environment/bulletins/{edition}.txt"
    page = bulletin.read_page(pages.lines_of(held.read(path).encode(), path), headers)
    if page.edition != edition:
        raise LayoutDrift(f"{path}: the title says {page.edition}, the file's name {edition}")
    if page.flaws:
        raise LayoutDrift(f"{path}: L{page.flaws[0][0]}: {page.flaws[0][1]}")
    (address,) = {
        row["source_url"] for _, row in held.lines(_ADDRESSES) if row["period"] == edition
    }
    own = "gdee.gd.gov.cn" in address
    for cell in page.cells:
        yield {
            "document": BULLETIN, "edition": edition, "locator": cell.locator,
            "place": cell.place, "indicator": cell.header, "period": cell.period,
            "scope": cell.scope, "unit": cell.unit, "value": cell.value, "status": "final",
            "source_kind": "transcription", **held.seen(path, cell.locator.split(":")[0]),
            "note": "" if own else "read from a re-post",
        }  # fmt: skip


def _water(held: Originals, edition: str, headers: pl.DataFrame) -> Iterator[Row]:
    """The sentences about rivers of one excerpt, with the line of the whole file."""
    lines = pages.lines_of(held.read(_EXCERPTS).encode(), _EXCERPTS)
    heads = [n for n, line in enumerate(lines) if line.text.startswith("## ")]
    for start, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        address = lines[start].text.removeprefix("## ").split(" ")[0]
        if WATER.get(address) != edition:
            continue
        period = "/".join(edition.split("_"))
        for cell in bulletin.sentences(lines[start + 1 : end], period):
            if cell.scope:
                yield {
                    "document": BULLETIN, "edition": edition, "locator": cell.locator,
                    "place": cell.place, "indicator": cell.header, "period": cell.period,
                    "scope": cell.scope, "unit": cell.unit, "value": cell.value,
                    "status": "final", "source_kind": "transcription",
                    **held.seen(_EXCERPTS, cell.locator.split(":")[0]),
                    "note": "read from an excerpt of the page; its table is not in the text",
                }  # fmt: skip


def _means(held: Originals) -> Iterator[Row]:
    """Annual means that a third party made of hourly city values, with their number of days."""
    for line, row in held.lines(_MEANS):
        for column, unit in _MEANS_UNITS.items():
            yield {
                "document": MEANS, "edition": "undated", "locator": f"L{line}:{column}",
                "place": row["city"], "indicator": column, "period": row["year"], "scope": "",
                "unit": unit, "value": row[column], "status": "unknown",
                "source_kind": "secondary", **held.seen(_MEANS, f"L{line}"), "note": "",
            }  # fmt: skip


def _daily(held: Originals) -> Iterator[Row]:
    for city in DAILY_CITIES:
        path = f"environment/{DAILY}/{city}.csv"
        for line, row in held.lines(path):
            if list(row) != _DAILY_HEADER:
                raise LayoutDrift(f"{path} L1: expected {_DAILY_HEADER}, found {list(row)}")
            if not row["日期"].startswith(f"{DAILY_YEAR}-"):
                continue
            yield {
                "document": DAILY, "edition": DAILY_YEAR, "locator": f"L{line}", "place": city,
                "date": row["日期"], "aqi": row["AQI"], "grade": row["AQI级别"], "primary": "",
                "pm25": row["PM2.5"], "pm10": row["PM10"], "so2": row["SO2"], "co": row["CO"],
                "no2": row["NO2"], "o3_8h": row["O3_8h"], "o3_1h": "", "rank": row["排名"],
                "source_kind": "mirror", **held.seen(path, f"L{line}"), "note": "",
            }  # fmt: skip


def _breakpoints(held: Originals) -> Iterator[Row]:
    for line, row in held.lines(_BREAKPOINTS):
        pollutant, report = _POLLUTANTS[row["pollutant"]], row["report"]
        # The hourly report judges particles by their 24-hour breakpoints.
        daily = report == "daily" or pollutant in ("pm25", "pm10")
        yield {
            "standard": row["standard"], "report": report, "pollutant": pollutant,
            "averaging": "max_8h" if pollutant == "o3_8h" else "24h" if daily else "1h",
            "unit": row["unit"], "iaqi": row["iaqi"], "concentration": row["concentration"],
            "valid_from": _VALID[0], "valid_to": _VALID[1],
            **held.seen(_BREAKPOINTS, f"L{line}"),
        }  # fmt: skip


def _limits(held: Originals) -> Iterator[Row]:
    by_name = {}
    for line, row in held.lines(_LIMITS):
        by_name[row["pollutant"], row["averaging"]] = (line, row)
        pollutant = _POLLUTANTS[row["pollutant"]]
        averaging = _AVERAGINGS[row["averaging"]]
        common = {
            "standard": "GB 3095-2012",
            "pollutant": "o3_8h" if averaging == "max_8h" else pollutant,
            "averaging": averaging, "unit": row["unit"], "valid_from": _VALID[0],
            "valid_to": _VALID[1], "note": "", **held.seen(_LIMITS, f"L{line}"),
        }  # fmt: skip
        for purpose in ("class1", "class2"):
            yield {**common, "purpose": purpose, "limit_value": row[purpose]}
    for pollutant, averaging, printed, column in _COMPOSITE:
        line, row = by_name[printed, column]
        yield {
            "standard": "环办〔2014〕64号", "purpose": "composite_index", "pollutant": pollutant,
            "averaging": averaging, "unit": row["unit"], "limit_value": row["class2"],
            "valid_from": _VALID[0], "valid_to": _VALID[1],
            "note": "divisor: the limit of class II, after a department's note; the rule's own "
            "formula is not held",
            **held.seen(_LIMITS, f"L{line}"),
        }  # fmt: skip


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> int:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return count


def _agreement(held: Originals, rows: Sequence[Row], headers: pl.DataFrame) -> str:
    """How many values of the listing that an earlier reader made equal the cells read here."""
    measures = {
        "aqi_rate": ("AQI达标率", "空气质量达标天数比例", "空气质量达标天数比例(%)"),
        "pm25": tuple(headers.filter(measure="pm25_ugm3")["header"]),
        "pm25_rank": ("PM2.5排名",),
        "aqi_rank": ("AQI排名",),
        "index_rank": ("排名",),
    }  # fmt: skip
    names = {header: name for name, printed in measures.items() for header in printed}
    ours = Counter(
        (row["edition"], row["place"].removesuffix("市"), names[row["indicator"]], row["value"])
        for row in rows
        if row["indicator"] in names
    )
    listed = Counter(
        (row["period"], row["city"].removesuffix("市"), name, row[name])
        for _, row in held.lines(_ADDRESSES)
        for name in measures
        if row[name] and row["period"] in BULLETINS
    )
    return f"{sum((ours & listed).values())} of {sum(listed.values())}"


def _originals(held: Originals) -> Iterator[Row]:
    for path, data in sorted(held.used.items()):
        kind, origin, licence = next(
            about for prefix, about in _ORIGINS.items() if path.startswith(prefix)
        )
        yield {
            "path": path, "sha256": hashlib.sha256(data).hexdigest(), "bytes": str(len(data)),
            "source_kind": kind, "origin": origin, "licence": licence,
        }  # fmt: skip


def transcribe(originals: Path, sources: Path) -> list[str]:
    """Write transcriptions, breakpoints, limits and originals below `sources/environment`.

    `originals` is the folder that holds `data/environment` (or `environment` itself). RefusedInput:
    a file is absent. LayoutDrift: a page or table no longer looks as it did.
    """
    root = originals / "data"
    held = Originals(root if root.is_dir() else originals)
    target = sources / "environment"
    headers = read_text_csv(Settings().sources / "environment" / "maps" / "headers.csv")
    report, printed = [], []
    for edition in BULLETINS:
        rows = list(_bulletin(held, edition, headers))
        printed += rows
        count = _write(
            target / "transcriptions" / BULLETIN / f"{edition}.csv", TRANSCRIPTION_COLUMNS, rows
        )
        report.append(f"{BULLETIN}/{edition}.csv: {count} values")
    for edition in WATER.values():
        rows = list(_water(held, edition, headers))
        count = _write(
            target / "transcriptions" / BULLETIN / f"{edition}.csv", TRANSCRIPTION_COLUMNS, rows
        )
        report.append(f"{BULLETIN}/{edition}.csv: {count} values about rivers")
    count = _write(
        target / "transcriptions" / MEANS / "undated.csv", TRANSCRIPTION_COLUMNS, _means(held)
    )
    report.append(f"{MEANS}/undated.csv: {count} values")
    count = _write(
        target / "transcriptions" / DAILY / f"{DAILY_YEAR}.csv", air.COLUMNS, _daily(held)
    )
    report.append(f"{DAILY}/{DAILY_YEAR}.csv: {count} days")
    count = _write(target / "breakpoints.csv", _BREAKPOINT_COLUMNS, _breakpoints(held))
    report.append(f"breakpoints.csv: {count} rows")
    count = _write(target / "limits.csv", _LIMIT_COLUMNS, _limits(held))
    report.append(f"limits.csv: {count} rows")
    report.append(
        f"{BULLETIN}: {_agreement(held, printed, headers)} listed values equal the cells read"
    )
    columns = ("path", "sha256", "bytes", "source_kind", "origin", "licence")
    count = _write(target / "originals.csv", columns, _originals(held))
    report.append(f"originals.csv: {count} files read")
    return report

"""Daily air records of cities: transcribed rows and archives as `air_city_day`.

Belongs here: reading a day's record (published index, grade, primary pollutant, 24-hour means, the
daily maximum 8-hour ozone), telling a missing value from a small one, and the gate that keeps out
columns that do not hold what they head. Not here: recomputing an index (dbt), stations and hours,
or the layout of any original (daily, transcribe).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipelines.archive.store import Snapshot
from pipelines.environment import cells, daily, pages
from pipelines.environment.cells import Context
from pipelines.errors import Reject
from pipelines.settings import Settings

TABLE = "air_city_day"
# Column of the transcription -> column of the table. Micrograms, carbon monoxide in milligrams.
CONCENTRATIONS = {
    "pm25": "pm25_ugm3",
    "pm10": "pm10_ugm3",
    "so2": "so2_ugm3",
    "no2": "no2_ugm3",
    "co": "co_mgm3",
    "o3_8h": "o3_8h_ugm3",
    "o3_1h": "o3_1h_max_ugm3",
    "o3_24h": "o3_24h_ugm3",
}
COLUMNS = (
    "document", "edition", "locator", "place", "date", "aqi", "grade", "primary", "pm25", "pm10",
    "so2", "co", "no2", "o3_8h", "o3_1h", "rank", "source_kind", "read_from", "read_sha256",
    "read_locator", "note",
)  # fmt: skip
# Archives of other sites print more: the mean of the hourly indices, which is no daily index.
_ARCHIVE_COLUMNS = (*COLUMNS, "aqi_mean", "o3_24h")
_PRINTED = ("date", "aqi", "grade", "primary", *CONCENTRATIONS, "rank", "aqi_mean")
_OPTIONAL = ("o3_1h", "o3_24h", "aqi_mean")
# What a cell holds when the platform had nothing: an index or a concentration of exactly 0.
_ZERO = r"^0+(?:\.0+)?$"
_NO_DATA = "index 0 stands for a day without data; its cells stay empty"
_NOT_MEASURED = "0 (or PM10 of 1 below PM2.5) stands for nothing measured; the cell stays empty"


def air_rows(
    snapshots: Sequence[Snapshot], slice_: str, context: Context
) -> tuple[pl.DataFrame, list[Reject]]:
    """One slice as `air_city_day` rows (superset of its columns) and its rejects."""
    frames, rejects = [], []
    for snapshot in snapshots:
        if snapshot.reader == "daily_archive":
            rows, refused = _archive_rows(snapshot)
        else:
            rows, refused = cells.read_rows(snapshot, COLUMNS, TABLE)
            rows = rows.with_columns(pl.lit(_verdict(rows), dtype=pl.String).alias("quarantined"))
        frames.append(rows)
        rejects += refused
    rows = pl.concat(frames, how="diagonal").with_columns(
        pl.lit("").alias(name) for name in _OPTIONAL if all(name not in f.columns for f in frames)
    )
    rows = rows.with_columns(pl.col(_OPTIONAL).fill_null("")).with_columns(
        pl.concat_str([pl.col(name) for name in _PRINTED], separator=",").alias("raw_text")
    )
    rows, found = cells.vocabulary(rows, TABLE)
    rejects += found
    rows, found = _days(rows)
    rejects += found
    rows, found = _numbers(rows)
    rejects += found
    rows, found = _gate(rows)
    rejects += found
    rows, found = cells.places(rows, context, TABLE, "observed_on")
    rejects += found
    rows, found = cells.attributes(rows, context, TABLE, "observed_on")
    rejects += found
    rows, found = cells.identities(
        rows,
        ("document", "edition", "locator", "place", "raw_text", "read_from"),
        ("document", "edition", "place_code", "observed_on"),
        ("aqi_published", *CONCENTRATIONS.values()),
        TABLE,
    )
    return rows.with_columns(
        pl.lit("environment").alias("source_id"),
        pl.col("date").alias("date_raw"),
        pl.col("grade").replace("", None).alias("grade_raw"),
        pl.col("primary").replace("", None).alias("primary_raw"),
        pl.col("note").replace("", None),
    ), [*rejects, *found]


def _archive_rows(snapshot: Snapshot) -> tuple[pl.DataFrame, list[Reject]]:
    """The slice's year of a daily archive in the columns of a transcription."""
    text = pages.decoded(pages.unpacked(snapshot.path, snapshot.file), snapshot.file)
    layout = daily.layout_of(text, daily.layouts(Settings().sources))
    if layout is None:
        near = "the columns of a layout in maps/daily_layouts.csv"
        none = cells.no_rows((*_ARCHIVE_COLUMNS, "quarantined"), snapshot)
        return none, [cells.file_reject(snapshot, TABLE, near, text.partition("\n")[0][:200])]
    rows = [
        row
        | {
            "document": snapshot.document,
            "edition": snapshot.edition,
            "source_kind": snapshot.source_kind,
        }
        for row in daily.records(text, layout, snapshot.file)
    ]
    # The whole file is judged: the days of one year may be too few to tell.
    whole = cells.frame(rows, _ARCHIVE_COLUMNS, snapshot)
    of_year = whole.filter(pl.col("date").str.slice(0, 4).eq(snapshot.edition) | ~_DATED)
    return of_year.with_columns(pl.lit(_verdict(whole), dtype=pl.String).alias("quarantined")), []


# A line without a date belongs to every year: it becomes a reject in each.
_DATED = pl.col("date").str.contains(r"^\d{4}-\d{2}-\d{2}$")
# Fewer days than these prove nothing.
_LEAST_DAYS = 20


def _verdict(rows: pl.DataFrame) -> str | None:
    """Why the columns of a file cannot be concentrations, None if they can. Columns as text.

    Physics decides, not the header. PM10 contains PM2.5, so PM2.5 above it on most days is no
    concentration (sub-indices). The index of PM2.5 is never below its concentration (HJ 633-2012,
    table 1), so an index below PM2.5 on most days means that a column moved. Carbon monoxide above
    4 mg/m3 (the daily limit of class II) on most days is in another unit or another pollutant.
    """
    text = [name for name in ("pm25", "pm10", "co", "aqi", "aqi_mean") if name in rows.columns]
    numbers = rows.select(
        pl.col(name).str.strip_chars().cast(pl.Float64, strict=False) for name in text
    )
    index = pl.coalesce(pl.col(name) for name in ("aqi", "aqi_mean") if name in text)
    tests = {
        "PM2.5 lies above PM10, which contains it": pl.col("pm25") > pl.col("pm10"),
        "PM2.5 lies above the index printed beside it": pl.col("pm25") > index,
        "carbon monoxide lies above 4 mg/m3": pl.col("co") > 4,
    }
    said = []
    for name, test in tests.items():
        asked, broken = numbers.select(
            test.is_not_null().sum().alias("asked"), test.sum().alias("broken")
        ).row(0)
        if asked >= _LEAST_DAYS and 2 * broken > asked:
            said.append(f"{name} on {broken} of {asked} days")
    return "; ".join(said) or None


def _gate(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """Columns of a file with a verdict are left empty, which one reject a file says."""
    held = pl.col("quarantined").is_null()
    first = rows.filter(~held).unique("snapshot_id", keep="first", maintain_order=True)
    rejects = cells.problem(
        first, pl.lit(True), "date", TABLE,
        expected="columns that hold what they head",
        reason=pl.format("all concentrations of the file are set aside: {}", "quarantined"),
        severity="warning",
    )  # fmt: skip
    emptied = (*CONCENTRATIONS.values(), "aqi_published", "aqi_mean_of_hours", "national_rank")
    kept = rows.with_columns(pl.when(held).then(name).alias(name) for name in emptied)
    return kept, rejects


def _days(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    day = pl.col("date").str.to_date("%Y-%m-%d", strict=False)
    is_iso = pl.col("date").str.contains(r"^\d{4}-\d{2}-\d{2}$")
    rows = rows.with_columns(pl.when(is_iso).then(day).alias("observed_on"))
    rejects = cells.problem(
        rows, pl.col("observed_on").is_null(), "date", TABLE,
        expected="a day like 2016-02-29", reason="the date cannot be read",
    )  # fmt: skip
    # An edition named after a year holds that year's days and no others.
    is_year = pl.col("edition").str.contains(r"^\d{4}$")
    outside = is_year & (pl.col("observed_on").dt.year().cast(pl.String) != pl.col("edition"))
    rejects += cells.problem(
        rows, outside, "date", TABLE,
        expected=pl.format("a day of {}", "edition"), reason="the day lies outside the edition",
    )  # fmt: skip
    kept = pl.when(~outside.fill_null(False)).then("observed_on").alias("observed_on")
    return rows.with_columns(kept), rejects


def _numbers(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Reject]]:
    """Index and concentrations; zeros are the platform's mark for nothing measured.

    So is a PM10 of 1 beside a larger PM2.5 (formats/environment 3.2): PM10 contains PM2.5.
    """
    columns = {
        "aqi": "aqi_published", "rank": "national_rank", "aqi_mean": "aqi_mean_of_hours",
        **CONCENTRATIONS,
    }  # fmt: skip
    rejects: list[Reject] = []
    missing: list[pl.Expr] = []
    for raw, name in columns.items():
        text, mark = cells.folded(raw), cells.is_mark(raw)
        pattern = r"^\d{1,4}$" if raw in ("aqi", "rank") else cells.NUMBER
        rows = rows.with_columns(cells.number(text, pattern).alias(name))
        zero = text.str.contains(_ZERO)
        if raw == "pm10":
            one = text.str.contains(r"^1(?:\.0+)?$")
            pm25 = cells.number(cells.folded("pm25"))
            zero = zero | (one & (pm25 > 1).fill_null(False))
        damaged = pl.col(name).is_null() & ~mark
        rejects += cells.problem(
            rows, damaged, raw, TABLE,
            expected="a number without sign, or a mark for no figure",
            reason="the value is not a number; the cell stays empty",
            candidates=cells.repaired(text), severity="warning",
        )  # fmt: skip
        if raw in ("rank", "aqi_mean"):
            continue
        # A day without data is said once, at its index.
        said_at_index = cells.folded("aqi").str.contains(_ZERO)
        rejects += cells.problem(
            rows, zero & (said_at_index if raw == "aqi" else ~said_at_index), raw, TABLE,
            expected="a number above 0", reason=_NO_DATA if raw == "aqi" else _NOT_MEASURED,
            severity="warning",
        )  # fmt: skip
        rows = rows.with_columns(pl.when(~zero).then(name).alias(name))
        if raw not in _OPTIONAL:  # most sources have no such column: that is no gap of the day
            mark_text = pl.when(text == "").then(pl.lit("blank")).otherwise(text)
            gap = pl.format("{}={}", pl.lit(raw), mark_text)
            missing.append(pl.when(pl.col(name).is_null()).then(gap))
    rows = rows.with_columns(
        pl.concat_str(missing, separator="; ", ignore_nulls=True).replace("", None).alias("missing")
    )
    return rows.with_columns(
        pl.col("aqi_published").cast(pl.Int32), pl.col("national_rank").cast(pl.Int32)
    ), rejects

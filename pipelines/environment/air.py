"""Daily air records of cities: transcribed rows as `air_city_day`.

Belongs here: reading a day's record (published index, grade, primary pollutant, 24-hour means, the
daily maximum 8-hour ozone), and telling a missing value from a small one. Not here: recomputing an
index (dbt), stations and hours, or the layout of any original (transcribe).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipelines.archive.store import Snapshot
from pipelines.environment import cells
from pipelines.environment.cells import Context
from pipelines.errors import Reject

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
}
COLUMNS = (
    "document", "edition", "locator", "place", "date", "aqi", "grade", "primary", "pm25", "pm10",
    "so2", "co", "no2", "o3_8h", "o3_1h", "rank", "source_kind", "read_from", "read_sha256",
    "read_locator", "note",
)  # fmt: skip
_PRINTED = ("date", "aqi", "grade", "primary", *CONCENTRATIONS, "rank")
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
        rows, refused = cells.read_rows(snapshot, COLUMNS, TABLE)
        frames.append(rows)
        rejects += refused
    rows = pl.concat(frames).with_columns(
        pl.concat_str([pl.col(name) for name in _PRINTED], separator=",").alias("raw_text")
    )
    rows, found = cells.vocabulary(rows, TABLE)
    rejects += found
    rows, found = _days(rows)
    rejects += found
    rows, found = _numbers(rows)
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
    columns = {"aqi": "aqi_published", "rank": "national_rank", **CONCENTRATIONS}
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
        if raw == "rank":
            continue
        # A day without data is said once, at its index.
        said_at_index = cells.folded("aqi").str.contains(_ZERO)
        rejects += cells.problem(
            rows, zero & (said_at_index if raw == "aqi" else ~said_at_index), raw, TABLE,
            expected="a number above 0", reason=_NO_DATA if raw == "aqi" else _NOT_MEASURED,
            severity="warning",
        )  # fmt: skip
        rows = rows.with_columns(pl.when(~zero).then(name).alias(name))
        if raw != "o3_1h":  # most sources have no such column: that is no gap of the day
            mark_text = pl.when(text == "").then(pl.lit("blank")).otherwise(text)
            gap = pl.format("{}={}", pl.lit(raw), mark_text)
            missing.append(pl.when(pl.col(name).is_null()).then(gap))
    rows = rows.with_columns(
        pl.concat_str(missing, separator="; ", ignore_nulls=True).replace("", None).alias("missing")
    )
    return rows.with_columns(
        pl.col("aqi_published").cast(pl.Int32), pl.col("national_rank").cast(pl.Int32)
    ), rejects

"""Stations of Guangdong and types of days as contract tables.

Belongs here: reading `stations.csv` and `day_types.csv`, and the place that a telecode stands for.
Not here: how those files came about (transcribe), or stop times (timetable).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl

from pipelines.errors import Reject, nearest
from pipelines.rail import lines
from pipelines.rail.lines import Check, Origin

SnapshotOf = Callable[[str], str]
Loaded = tuple[pl.DataFrame, list[Reject]]

STATIONS = "sources/rail/stations.csv"
DAY_TYPES = "sources/rail/day_types.csv"
KINDS = ("workday", "weekend", "makeup_workday", "public_holiday")
STATION_COLUMNS = (
    "telecode", "station_name_zh", "city_code_12306", "city_name_12306", "place_code",
    "county_code", "county_evidence", "valid_from", "valid_to", "note",
    "read_from", "read_sha256", "read_locator",
)  # fmt: skip
DAY_TYPE_COLUMNS = ("date", "day_type", "source")


def near(known: list[str]) -> Callable[[str], str]:
    """The nearest known names of a text, as a check's candidates."""
    return partial(nearest, known=known)


def _code(column: str) -> pl.Expr:
    return pl.col(column).str.contains(r"^44[0-9]{4}$")


def read_stations(sources: Path, snapshot: SnapshotOf) -> Loaded:
    """`rail_station`: one row per telecode, name and city, valid from the first table with it."""
    raw = lines.read(sources / "rail" / "stations.csv", STATIONS, STATION_COLUMNS).with_columns(
        first=lines.iso_date("valid_from"), last=lines.iso_date("valid_to")
    )
    end = "a date like 2024-05-05, not before valid_from, or nothing"
    checks = (
        lines.fits(STATION_COLUMNS),
        Check(~pl.col("telecode").str.contains("^[A-Z]{3}$"), "not a telecode",
              "three capitals", "telecode"),
        Check(~pl.col("station_name_zh").str.contains(r"^[\u4e00-\u9fff]+$"),
              "not a station name", "a Chinese name without blanks", "station_name_zh"),
        Check(~_code("place_code"), "not a prefecture of Guangdong", "a code like 440100",
              "place_code"),
        Check(~(_code("county_code") | (pl.col("county_code") == "")), "not a county unit",
              "a code like 440113, or nothing", "county_code"),
        Check(pl.col("first").is_null(), "no start of validity", "a date", "valid_from"),
        Check((pl.col("valid_to") != "") & ~(pl.col("last") >= pl.col("first")).fill_null(False),
              "no end of validity", end, "valid_to"),
        Check(lines.is_repeated("telecode", "valid_from"), "the station is listed twice",
              "one row per telecode and start of validity", "telecode"),
    )  # fmt: skip
    origin = Origin(STATIONS, snapshot(STATIONS), "rail_station", "all")
    good, rejects = lines.sift(raw, checks, origin)
    emptied = ("county_code", "county_evidence", "note")
    frame = good.with_columns(
        pl.col("first").alias("valid_from"),
        pl.col("last").alias("valid_to"),
        pl.lit(origin.snapshot_id).alias("snapshot_id"),
        pl.concat_str(pl.lit("L"), "line").alias("locator"),
        *(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in emptied),
    )
    return frame, rejects


def read_day_types(sources: Path, snapshot: SnapshotOf) -> Loaded:
    """`rail_day_type`: one row per date."""
    raw = lines.read(sources / "rail" / "day_types.csv", DAY_TYPES, DAY_TYPE_COLUMNS)
    raw = raw.with_columns(service_date=lines.iso_date("date"))
    checks = (
        lines.fits(DAY_TYPE_COLUMNS),
        Check(pl.col("service_date").is_null(), "not a date", "a date like 2024-05-01", "date"),
        Check(~pl.col("day_type").is_in(KINDS), "unknown type of day", ", ".join(KINDS),
              "day_type", near(list(KINDS))),
        Check(pl.col("source") == "", "the type has no source", "a document", "source"),
        Check(lines.is_repeated("date"), "the date is listed twice", "one row per date", "date"),
    )  # fmt: skip
    origin = Origin(DAY_TYPES, snapshot(DAY_TYPES), "rail_day_type", "all")
    good, rejects = lines.sift(raw, checks, origin)
    frame = good.with_columns(
        pl.lit(origin.snapshot_id).alias("snapshot_id"),
        pl.concat_str(pl.lit("L"), "line").alias("locator"),
    )
    return frame, rejects


def places(stations: pl.DataFrame) -> dict[str, str]:
    """telecode -> place_code, by the newest table that lists it.

    Tables are a year apart, so a station opened between two of them is used before its first
    table; its city does not depend on the table (checked by the suite of `rail_station`).
    """
    newest = stations.sort("valid_from").group_by("telecode").last()
    return dict(newest.select("telecode", "place_code").iter_rows())

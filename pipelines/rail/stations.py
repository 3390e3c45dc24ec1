"""Stations, 12306's cities and types of days as contract tables.

Belongs here: reading `stations.csv`, `cities.csv` and `day_types.csv`, and which station and place
a stop of a timetable means. Not here: how those files came about (transcribe), or stop times
(timetable, whole).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import polars as pl

from pipelines.errors import Reject, nearest
from pipelines.rail import lines
from pipelines.rail.lines import Check, Origin

SnapshotOf = Callable[[str], str]
Loaded = tuple[pl.DataFrame, list[Reject]]

STATIONS = "sources/rail/stations.csv"
CITIES = "sources/rail/cities.csv"
DAY_TYPES = "sources/rail/day_types.csv"
GUANGDONG = "44"
# A city of 12306 that is no division still is a place; its pairs must not vanish.
UNMAPPED = "12306:"
KINDS = ("workday", "weekend", "makeup_workday", "public_holiday")
STATION_COLUMNS = (
    "telecode", "station_name_zh", "city_code_12306", "city_name_12306", "place_code",
    "county_code", "county_evidence", "valid_from", "valid_to", "note",
    "read_from", "read_sha256", "read_locator",
)  # fmt: skip
CITY_COLUMNS = (
    "city_code_12306", "city_name_12306", "place_code", "place_name_zh", "place_level",
    "prefecture_code", "basis",
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
        Check(~pl.col("station_name_zh").str.contains(r"^[\u4e00-\u9fff0-9]+$"),
              "not a station name", "a Chinese name without blanks", "station_name_zh"),
        Check(~pl.col("place_code").str.contains(r"^(?:[0-9]{6})?$"), "not a division",
              "a code like 440100, or nothing", "place_code"),
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
    emptied = (
        "city_code_12306", "city_name_12306", "place_code", "county_code", "county_evidence",
        "note",
    )  # fmt: skip
    frame = good.with_columns(
        pl.col("first").alias("valid_from"),
        pl.col("last").alias("valid_to"),
        pl.lit(origin.snapshot_id).alias("snapshot_id"),
        pl.concat_str(pl.lit("L"), "line").alias("locator"),
        *(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in emptied),
    )
    return frame, rejects


def read_cities(sources: Path, snapshot: SnapshotOf) -> Loaded:
    """`rail_city`: one row per city that 12306 files stations under."""
    raw = lines.read(sources / "rail" / "cities.csv", CITIES, CITY_COLUMNS)
    mapped = pl.col("place_code") != ""
    checks = (
        lines.fits(CITY_COLUMNS),
        Check(~pl.col("city_code_12306").str.contains("^[0-9]{4}$"), "not a city code of 12306",
              "four digits", "city_code_12306"),
        Check(pl.col("city_name_12306") == "", "the city has no name", "a name", "raw"),
        Check(~pl.col("place_code").str.contains(r"^(?:[0-9]{6})?$"), "not a division",
              "a code like 440100, or nothing", "place_code"),
        Check(mapped & ~pl.col("place_level").is_in(["province", "prefecture", "county"]),
              "unknown level", "province, prefecture or county", "place_level"),
        Check(pl.col("basis") == "", "the mapping has no reason", "a reason", "basis"),
        Check(lines.is_repeated("city_code_12306"), "the city is listed twice", "one row",
              "city_code_12306"),
    )  # fmt: skip
    origin = Origin(CITIES, snapshot(CITIES), "rail_city", "all")
    good, rejects = lines.sift(raw, checks, origin)
    emptied = ("place_name_zh", "place_level", "prefecture_code")
    frame = good.with_columns(
        pl.when(mapped).then("place_code").otherwise(pl.lit(UNMAPPED) + pl.col("city_code_12306"))
        .alias("place_code"),
        *(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in emptied),
        is_division=mapped,
        snapshot_id=pl.lit(origin.snapshot_id),
        locator=pl.concat_str(pl.lit("L"), "line"),
    )  # fmt: skip
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


def guangdong(stations: pl.DataFrame) -> pl.DataFrame:
    """telecode, place_code, county_code, station of the stations of Guangdong, by the newest table.

    Tables are a year apart, so a station opened between two of them is used before its first
    table; its city does not depend on the table (checked by the suite of `rail_station`).
    """
    ours = stations.filter(pl.col("place_code").str.starts_with(GUANGDONG))
    newest = ours.sort("valid_from").group_by("telecode").last().sort("telecode")
    return newest.select(
        "telecode", "place_code", "county_code", pl.col("station_name_zh").alias("station")
    )


def bare(column: str) -> pl.Expr:
    """A name without the blanks that mark a second yard: 佛山  西 is a yard of 佛山西."""
    return pl.col(column).str.replace_all(r"\s", "")


def resolve(stops: pl.Series, stations: pl.DataFrame, first: date, last: date) -> pl.DataFrame:
    """What each distinct stop of a timetable valid from `first` to `last` means.

    Columns: stop_raw, telecode (null where several stations or none have the name), station (an id
    of the station), city_code_12306, place_code, county_code; null where nobody knows.

    A stop is a telecode, or a name where it has none. Of the rows of a station that overlap the
    window the latest counts, else the first after it, else the last before it. A name that stands
    for stations of several cities stands for none.
    """
    frame = pl.DataFrame({"stop_raw": stops.unique().sort()}).with_columns(name=bare("stop_raw"))
    ends = pl.col("valid_to").fill_null(date.max)
    fits = (
        pl.when((pl.col("valid_from") <= last) & (ends >= first)).then(0)
        .when(pl.col("valid_from") > last).then(1)
        .otherwise(2)
    )  # fmt: skip
    age = (pl.col("valid_from") - pl.lit(first)).dt.total_days()
    ranked = stations.with_columns(
        fits=fits, distance=pl.when(fits == 1).then(age).otherwise(-age)
    ).sort("fits", "distance", "telecode")
    known = ("telecode", "station_name_zh", "city_code_12306", "place_code", "county_code")
    by_code = ranked.unique("telecode", keep="first", maintain_order=True).select(known)
    # Only the best fitting rows of a name speak for it: a renamed station has left its old name.
    by_name = (
        ranked.filter(pl.col("city_code_12306").is_not_null())
        .filter(pl.col("fits") == pl.col("fits").min().over("station_name_zh"))
        .group_by("station_name_zh")
        .agg(
            pl.col("city_code_12306").n_unique().alias("cities"),
            pl.col("telecode").n_unique().alias("stations"),
            pl.col("telecode", "city_code_12306", "place_code", "county_code").first(),
        )
        .filter(pl.col("cities") == 1)
        .with_columns(pl.when(pl.col("stations") == 1).then("telecode").alias("telecode"))
    )
    found = frame.join(
        by_code.with_columns(code=pl.col("telecode")),
        left_on="stop_raw",
        right_on="code",
        how="left",
    )
    direct = found.filter(pl.col("telecode").is_not_null()).select(
        "stop_raw",
        pl.col("station_name_zh").alias("station"),
        *(k for k in known if k != "station_name_zh"),
    )
    named = (
        found.filter(pl.col("telecode").is_null())
        .select("stop_raw", "name")
        .join(by_name, left_on="name", right_on="station_name_zh", how="left")
        .select(
            "stop_raw",
            pl.col("name").alias("station"),
            *(k for k in known if k != "station_name_zh"),
        )
    )
    return pl.concat([direct, named]).sort("stop_raw")

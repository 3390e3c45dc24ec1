"""Hourly records of stations and cities: every wrapping of the platform's fields as one table.

Belongs here: the replies of the national platform (.NET binary, XML, GeoJSON, JSON), the archives
made from them (pm25.in, kksk, quotsoft), and `air_station_hour`: one row per station (or city) and
hour. Not here: decoding the binary (wcf), indices, means of a day, validity (dbt).

An hour h covers h-1 to h, local time (UTC+8) whatever zone a source writes; 00:00 is hour 24 of the
day before (HJ 663-2013, A.1 counts 1:00 to 24:00).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from xml.etree import ElementTree

import polars as pl

from pipelines.archive import guards
from pipelines.archive.store import Snapshot
from pipelines.environment import cells, pages, wcf
from pipelines.environment.cells import Context
from pipelines.errors import LayoutDrift, RefusedInput, Reject
from pipelines.geography.divisions import resolve_places

TABLE = "air_station_hour"
RECORD = "AQIDataPublishLive"
# Field of the platform, lower case without underscores -> column here. Micrograms; CO milligrams.
FIELDS = {
    "area": "place", "positionname": "station_name", "stationcode": "station_code",
    "timepoint": "moment", "aqi": "aqi", "quality": "grade", "primarypollutant": "primary",
    "pm25": "pm25", "pm2524h": "pm25_24h", "pm10": "pm10", "pm1024h": "pm10_24h", "so2": "so2",
    "so224h": "so2_24h", "no2": "no2", "no224h": "no2_24h", "co": "co", "co24h": "co_24h",
    "o3": "o3", "o324h": "o3_24h", "o38h": "o3_8h", "o38h24h": "o3_8h_24h",
    "longitude": "longitude", "latitude": "latitude",
}  # fmt: skip
# kksk.org: header -> column; its ozone names are not crossed.
SITE_HOURS = {
    "Date": "date", "Hour": "hour", "WatchPoint": "station_name", "AQI": "aqi", "Level": "grade",
    "PrimaryPollution": "primary", "PM2.5": "pm25", "PM10": "pm10", "CO": "co", "NO2": "no2",
    "O3_1h": "o3_1h", "O3_8h": "o3_8h_now", "SO2": "so2",
}  # fmt: skip
# quotsoft.net: `type` of a row -> column. Ozone goes by the platform's names until it is told.
WIDE_TYPES = {
    "AQI": "aqi", "PM2.5": "pm25", "PM2.5_24h": "pm25_24h", "PM10": "pm10", "PM10_24h": "pm10_24h",
    "SO2": "so2", "SO2_24h": "so2_24h", "NO2": "no2", "NO2_24h": "no2_24h", "O3": "o3",
    "O3_24h": "o3_24h", "O3_8h": "o3_8h", "O3_8h_24h": "o3_8h_24h", "CO": "co", "CO_24h": "co_24h",
}  # fmt: skip
NUMBERS = {
    "pm25": "pm25_ugm3", "pm10": "pm10_ugm3", "so2": "so2_ugm3", "no2": "no2_ugm3",
    "co": "co_mgm3", "o3_1h": "o3_1h_ugm3", "o3_8h_now": "o3_8h_ugm3",
    "o3_1h_max": "o3_1h_max_ugm3", "o3_8h_max": "o3_8h_max_ugm3", "pm25_24h": "pm25_24h_ugm3",
    "pm10_24h": "pm10_24h_ugm3", "so2_24h": "so2_24h_ugm3", "no2_24h": "no2_24h_ugm3",
    "co_24h": "co_24h_mgm3",
}  # fmt: skip
_SITE_NUMBERS = [name for name, column in SITE_HOURS.items() if column in {*NUMBERS, "aqi"}]
_TEXTS = (
    "place", "station_code", "station_name", "grade", "primary", "moment", "date", "hour",
)  # fmt: skip
_A_DAY = timedelta(days=1)
# How many bad cells of one file and column become rows of `rejects`; the rest is counted in one.
_MOST_REJECTS = 20
# A source crosses its ozone names, or it does not; in between, its ozone cannot be used.
_NEARLY_ALL = 0.95


class Readings(NamedTuple):
    """Records of one file, and what they share.

    frame: any of the columns of FIELDS, SITE_HOURS and `record` (number of the record in its file),
    as text; numbers may be doubles already where every one of them is sound.
    grain: station or city. part: which member of an archive the records are from, else empty.
    again: lines of a wide file that list an hour again, and how many of them with other values.
    """

    frame: pl.DataFrame
    grain: str = "station"
    part: str = ""
    again: tuple[int, int] = (0, 0)


# ------------------------------------------------------------------------------- bytes to text


def platform_records(data: bytes, name: str) -> Readings:
    """Records of the platform in whatever wrapping; LayoutDrift when there are none."""
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"{", b"[")):
        rows = _json_rows(pages.decoded(data, name), name)
    elif start.startswith(b"<"):
        rows = _xml_rows(pages.decoded(data, name), name)
    else:
        rows = wcf.records(data, RECORD)
    named = [
        {
            FIELDS[key]: value
            for field, value in row.items()
            if (key := re.sub(r"[_.]", "", field).lower()) in FIELDS
        }
        for row in rows
    ]
    if not any("moment" in row for row in named):
        raise LayoutDrift(f"{name}: no record with a time and the platform's fields")
    names = sorted({column for row in named for column in row})
    schema = dict.fromkeys(names, pl.String)
    frame = pl.DataFrame(named, schema=schema, infer_schema_length=None)
    return Readings(frame.with_row_index("record", offset=1))


def _json_rows(text: str, name: str) -> list[dict[str, str]]:
    try:
        document = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise LayoutDrift(f"{name}: damaged JSON ({error})") from error
    if isinstance(document, dict):
        document = document.get("features", document.get("data", []))
    rows: list[dict[str, str]] = []
    for entry in document if isinstance(document, list) else []:
        if not isinstance(entry, dict):
            raise LayoutDrift(f"{name}: expected a list of records, found {type(entry).__name__}")
        fields: dict[str, Any] = entry
        if isinstance(properties := entry.get("properties"), dict):
            fields = dict(properties)
            point = (entry.get("geometry") or {}).get("coordinates") or ()
            fields |= dict(zip(("longitude", "latitude"), point, strict=False))
        rows.append({k: str(v) for k, v in fields.items() if v is not None})
    return rows


def _xml_rows(text: str, name: str) -> list[dict[str, str]]:
    # The saved reply writes `&mdash;`, an entity that XML does not know.
    known = text.replace("&mdash;", "—")
    if "<!DOCTYPE" in known or "<!ENTITY" in known:
        raise RefusedInput(f"{name}: XML that declares entities")
    try:
        root = ElementTree.fromstring(known)
    except ElementTree.ParseError as error:
        raise LayoutDrift(f"{name}: damaged XML ({error})") from error
    return [
        {child.tag.rpartition("}")[2]: child.text or "" for child in element}
        for element in root.iter()
        if element.tag.rpartition("}")[2] == RECORD
    ]


def site_hours(snapshot: Snapshot) -> Iterator[Readings]:
    """Long CSV of one city a file (kksk), alone or in a tar.gz; the city is the file's name."""
    if not guards.is_tar(snapshot.path):
        data = pages.unpacked(snapshot.path, snapshot.file)
        yield _site_hours(data, PurePosixPath(snapshot.file).name, "")
        return
    for member, data in guards.tar_members(snapshot.path, snapshot.file):
        yield _site_hours(data, PurePosixPath(member).name, member)


def _site_hours(data: bytes, file: str, part: str) -> Readings:
    frame = _sound_numbers(data)
    if frame is None:
        try:
            frame = pl.read_csv(io.BytesIO(data), infer_schema=False, truncate_ragged_lines=False)
        except pl.exceptions.PolarsError as error:
            raise LayoutDrift(f"{part or file}: damaged CSV ({error})") from error
    if missing := [name for name in SITE_HOURS if name not in frame.columns]:
        raise LayoutDrift(f"{part or file}: expected column {missing[0]!r} in {frame.columns}")
    frame = frame.select(pl.col(old).alias(new) for old, new in SITE_HOURS.items())
    city = re.split(r"[-_.]", file)[0]
    return Readings(
        frame.with_columns(pl.lit(city).alias("place")).with_row_index("record", offset=1),
        part=part,
    )


def _sound_numbers(data: bytes) -> pl.DataFrame | None:
    """The file with its numbers parsed in the same pass; None where one of them is not sound.

    Damaged, negative, or a mark other than `NaN`: the file is read as text then, the cell named.
    """
    kinds = dict.fromkeys(_SITE_NUMBERS, pl.Float64)
    marks = dict.fromkeys(_SITE_NUMBERS, "NaN")
    try:
        frame = pl.read_csv(
            io.BytesIO(data), infer_schema=False, schema_overrides=kinds, null_values=marks
        )
    except pl.exceptions.PolarsError:
        return None
    numbers = frame.select(pl.col(pl.Float64))
    sound = numbers.select(((pl.all() >= 0) & pl.all().is_finite()).all())
    return frame if all(sound.row(0)) else None


def wide_hours(data: bytes, name: str) -> Readings:
    """`date,hour,type,<city or station>…`: a row per hour and pollutant, addressed by name."""
    try:
        frame = pl.read_csv(io.BytesIO(data), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise LayoutDrift(f"{name}: damaged CSV ({error})") from error
    if frame.columns[:3] != ["date", "hour", "type"]:
        raise LayoutDrift(f"{name}: expected date,hour,type first, found {frame.columns[:3]}")
    if not frame.height:
        raise LayoutDrift(f"{name}: a header and no record")
    names = frame.columns[3:]
    is_site = sum(bool(re.fullmatch(r"\d{3,5}[A-Z]", column)) for column in names) > len(names) / 2
    unknown = set(frame["type"].unique().to_list()) - WIDE_TYPES.keys()
    if unknown:
        raise LayoutDrift(f"{name}: type {sorted(map(str, unknown))[0]!r} is not known")
    once, *again = _last_of_each(frame.with_row_index("record", offset=1), ["date", "hour", "type"])
    long = once.unpivot(
        index=["record", "date", "hour", "type"], on=names, variable_name="who"
    ).with_columns(pl.col("type").replace_strict(WIDE_TYPES))
    wide = long.pivot(on="type", index=["who", "date", "hour"], values="value").join(
        long.group_by("who", "date", "hour").agg(pl.col("record").min()), on=["who", "date", "hour"]
    )
    # A city or station that reports nothing in an hour has no record of that hour.
    measured = [c for c in WIDE_TYPES.values() if c in wide.columns]
    wide = wide.filter(pl.any_horizontal(pl.col(c).is_not_null() for c in measured))
    key = "station_code" if is_site else "place"
    return Readings(
        wide.rename({"who": key}).sort("record", key),
        grain="station" if is_site else "city",
        again=(again[0], again[1]),
    )


# ------------------------------------------------------------------------------- text to rows


def _problem(
    rows: pl.DataFrame, snapshot: Snapshot, column: str, part: str, **text: str
) -> list[Reject]:
    """Rejects of the records in `rows`: the first of them, and one for all further ones."""
    prefix = f"{part}!" if part else ""
    found = [
        Reject(
            snapshot.snapshot_id, f"{prefix}R{row['record']}:{column}", snapshot.file, TABLE,
            snapshot.slice, str(row[column]), text["expected"], str(row[column]), "",
            text["reason"], "warning",
        )
        for row in rows.head(_MOST_REJECTS).iter_rows(named=True)
    ]  # fmt: skip
    if rows.height > _MOST_REJECTS:
        found.append(
            Reject(
                snapshot.snapshot_id, f"{prefix}*:{column}:{text['reason'][:20]}", snapshot.file,
                TABLE, snapshot.slice, "", text["expected"],
                f"{rows.height - _MOST_REJECTS} further records", "", text["reason"], "warning",
            )
        )  # fmt: skip
    return found


def _when(frame: pl.DataFrame) -> pl.DataFrame:
    """`observed_on` and `hour` 1-24 from a moment, or from a date and an hour 0-24."""
    if "moment" in frame.columns:
        # `2016-01-09T07:00:00Z` is local time too: the Z is false.
        text = pl.col("moment").str.replace("T", " ").str.slice(0, 13)
        parsed = text.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        hour = text.str.slice(11, 2)
    else:
        text, hour = pl.col("date"), pl.col("hour")
        for sign in "-/":
            text = text.str.replace_all(sign, "", literal=True)
        parsed = text.str.slice(0, 8).str.to_date("%Y%m%d", strict=False)
    frame = frame.with_columns(
        parsed.alias("observed_on"), hour.cast(pl.Int32, strict=False).alias("hour")
    )
    day, number = pl.col("observed_on"), pl.col("hour")
    sound = number.is_between(0, 24) & day.is_not_null()
    is_eve = number == 0
    return frame.with_columns(
        pl.when(sound & is_eve).then(day - _A_DAY).when(sound).then(day).alias("observed_on"),
        pl.when(sound & is_eve).then(24).when(sound).then(number).alias("hour"),
    )


def _numbers(
    frame: pl.DataFrame, snapshot: Snapshot, part: str
) -> tuple[pl.DataFrame, list[Reject]]:
    """Every printed number as a double; marks are null, damaged and negative cells are rejects."""
    rejects: list[Reject] = []
    marks = pl.Series(cells.NULL_MARKS).implode()
    for name in (*NUMBERS, *_OZONE, "aqi", "longitude", "latitude"):
        if name not in frame.columns or frame.schema[name] != pl.String:
            continue
        text = pl.col(name).str.strip_chars()
        number = text.cast(pl.Float64, strict=False)
        usable = number.is_finite() & (number >= 0)
        bad = frame.filter(~usable.fill_null(False) & ~text.is_in(marks).fill_null(True))
        rejects += _problem(
            bad, snapshot, name, part,
            expected="a number without sign, or a mark for no figure",
            reason="the value is not a number; the cell stays empty",
        )  # fmt: skip
        frame = frame.with_columns(pl.when(usable).then(number).alias(name))
    return frame, rejects


# The platform's names of ozone, current and highest of the day, crossed or not.
_OZONE = ("o3", "o3_24h", "o3_8h", "o3_8h_24h")
_PAIRS = (("o3", "o3_24h", "o3_1h", "o3_1h_max"), ("o3_8h", "o3_8h_24h", "o3_8h_now", "o3_8h_max"))


def _ozone(frame: pl.DataFrame, snapshot: Snapshot, part: str) -> tuple[pl.DataFrame, list[Reject]]:
    """Current and highest ozone by their order: the day's highest is never below the hour.

    The platform crosses the names (`O3_24h` is the current hour), pm25.in does not: each file tells
    by its own values. Where it does not tell, its ozone stays empty and a reject says so.
    """
    rejects: list[Reject] = []
    for plain, longer, now, highest in _PAIRS:
        if plain not in frame.columns or longer not in frame.columns:
            continue
        above = frame.filter(pl.col(plain) > pl.col(longer)).height
        below = frame.filter(pl.col(plain) < pl.col(longer)).height
        told = max(above, below) >= _NEARLY_ALL * (above + below) > 0
        current, most = (longer, plain) if above > below else (plain, longer)
        if not told:
            rejects.append(
                Reject(
                    snapshot.snapshot_id, f"{part + '!' if part else ''}*:{plain}", snapshot.file,
                    TABLE, snapshot.slice, "", f"{plain} above {longer} in nearly all records, or "
                    "below it in nearly all", f"above in {above}, below in {below}", "",
                    "which ozone is the current one cannot be told; it stays empty", "warning",
                )
            )  # fmt: skip
        empty = pl.lit(None, dtype=pl.Float64)
        frame = frame.with_columns(
            (pl.col(current) if told else empty).alias(now),
            (pl.col(most) if told else empty).alias(highest),
        )
    return frame.drop(_OZONE, strict=False), rejects


def _missing(frame: pl.DataFrame) -> pl.DataFrame:
    """PM10 of 0, or of 1 below a larger PM2.5 that it contains, stands for nothing measured.

    `missing` names what an hour lacks; an index of 0 is none.
    """
    if "aqi" in frame.columns:
        frame = frame.with_columns(pl.when(pl.col("aqi") > 0).then("aqi").alias("aqi"))
    if {"pm10", "pm25"} <= set(frame.columns):
        pm10, pm25 = pl.col("pm10"), pl.col("pm25")
        nothing = (pm10 == 0) | ((pm10 == 1) & (pm25 > 1))
        frame = frame.with_columns(
            pl.when(~nothing.fill_null(False)).then(pm10).alias("pm10"),
            nothing.fill_null(False).alias("is_pm10_mark"),
        )
    return frame


def station_hours(
    readings: Readings, snapshot: Snapshot, context: Context
) -> tuple[pl.DataFrame, list[Reject]]:
    """Rows of `air_station_hour` from one file's records, and its rejects."""
    frame = readings.frame
    absent = [name for name in _TEXTS if name not in frame.columns]
    frame = _when(frame).with_columns(
        pl.lit(None, dtype=pl.String).alias(name) for name in absent if name != "hour"
    )
    rejects = _problem(
        frame.filter(pl.col("observed_on").is_null()).with_columns(
            pl.coalesce("moment", "date").alias("moment")
        ),
        snapshot, "moment", readings.part,
        expected="a day and an hour", reason="the time cannot be read; the record is left out",
    )  # fmt: skip
    rejects += _again(*readings.again, snapshot, readings.part, "type", "a day, hour and type once")
    frame = frame.filter(pl.col("observed_on").is_not_null())
    for step in (_numbers, _ozone):
        frame, found = step(frame, snapshot, readings.part)
        rejects += found
    frame, found = _once(frame, snapshot, readings.part)
    rejects += found
    frame, found = _places(_missing(frame), snapshot, context, readings.part)
    rejects += found
    frame, found = _series(frame, snapshot, context)
    rejects += found
    empty = [
        name for name in (*NUMBERS, "aqi", "longitude", "latitude") if name not in frame.columns
    ]
    frame = frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in empty)
    if "is_pm10_mark" not in frame.columns:
        frame = frame.with_columns(pl.lit(False).alias("is_pm10_mark"))
    marks = pl.Series(cells.NULL_MARKS).implode()
    primary = pl.col("primary").str.strip_chars().str.replace_all(r"\s*\n\s*", ",")
    return frame.select(
        pl.lit(snapshot.snapshot_id).alias("snapshot_id"),
        pl.lit(readings.part).alias("part"),
        pl.col("record").cast(pl.Int32),
        pl.lit(snapshot.source_kind).alias("source_kind"),
        pl.lit(snapshot.document).alias("document"),
        pl.lit(snapshot.edition).alias("edition"),
        pl.lit(snapshot.slice).alias("slice"),
        pl.lit(readings.grain).alias("grain"),
        pl.col("place").fill_null("").alias("place_raw"),
        "place_code",
        pl.col("station_code").fill_null("").alias("station_code"),
        "station_name",
        "observed_on",
        "hour",
        pl.col("aqi").cast(pl.Int32, strict=False).alias("aqi_published"),
        pl.col("grade").replace("", None).alias("grade_raw"),
        pl.when(~primary.is_in(marks)).then(primary).alias("primary_raw"),
        *(pl.col(name).alias(column) for name, column in NUMBERS.items()),
        "is_pm10_mark",
        "longitude",
        "latitude",
        "network",
        "state",
    ), rejects


_STATION_HOUR = ["place", "station_code", "station_name", "observed_on", "hour"]


def _once(frame: pl.DataFrame, snapshot: Snapshot, part: str) -> tuple[pl.DataFrame, list[Reject]]:
    """One record per station and hour: crawlers list an hour again until the next one appears."""
    hashes = frame.select(pl.struct(_STATION_HOUR).hash()).to_series()
    if hashes.n_unique() == frame.height:
        return frame, []  # To compare the texts themselves takes ten times as long.
    once, again, other = _last_of_each(frame, _STATION_HOUR)
    return once, _again(again, other, snapshot, part, "hour", "a station and hour once")


def _last_of_each(frame: pl.DataFrame, key: list[str]) -> tuple[pl.DataFrame, int, int]:
    """The last record of each key, how many more there are, and how many of them differ."""
    once = frame.unique(key, keep="last", maintain_order=True)
    other = frame.drop("record").unique().height - once.height
    return once, frame.height - once.height, other


def _again(
    again: int, other: int, snapshot: Snapshot, part: str, column: str, expected: str
) -> list[Reject]:
    """What `_last_of_each` left out, as one reject."""
    if again == 0:
        return []
    return [
        Reject(
            snapshot.snapshot_id, f"{part + '!' if part else ''}*:{column}", snapshot.file, TABLE,
            snapshot.slice, "", expected,
            f"{again} records again, {other} of them with other values", "",
            "hours are listed again; the last record of each counts", "warning",
        )
    ]  # fmt: skip


def _places(
    frame: pl.DataFrame, snapshot: Snapshot, context: Context, part: str
) -> tuple[pl.DataFrame, list[Reject]]:
    """`place_code` by name, one look-up a name; hours of stations elsewhere keep their name alone.

    A national file names hundreds of cities whose divisions are not held: that is one reject.
    """
    names = frame.group_by("place", maintain_order=True).agg(
        pl.col("observed_on").max().alias("period_end")
    )
    codes = resolve_places(
        names, context.divisions, context.aliases, name="place", on="period_end", near=False,
        keys=context.place_keys,
    )  # fmt: skip
    lost = codes.filter(pl.col("place_code").is_null() & pl.col("place").is_not_null())["place"]
    rejects = []
    if not lost.is_empty():
        some = ", ".join(lost.sort().head(8).to_list())
        rejects.append(
            Reject(
                snapshot.snapshot_id, f"{part + '!' if part else ''}*:place", snapshot.file, TABLE,
                snapshot.slice, some, "a division held and valid then",
                f"{lost.len()} of {names.height} places: {some}{' …' if lost.len() > 8 else ''}",
                "", "places of no division held; their hours load without a code", "warning",
            )
        )  # fmt: skip
    codes = codes.select("place", "place_code")
    if codes.height == 1:
        return frame.with_columns(pl.lit(codes["place_code"][0]).alias("place_code")), rejects
    frame = frame.join(codes, on="place", how="left", nulls_equal=True, maintain_order="left")
    return frame, rejects


def _series(
    frame: pl.DataFrame, snapshot: Snapshot, context: Context
) -> tuple[pl.DataFrame, list[Reject]]:
    """`network` and `state` of the document on each day (series.csv)."""
    first, last = frame["observed_on"].min(), frame["observed_on"].max()
    met = context.series.filter(
        pl.col("document") == snapshot.document,
        pl.col("valid_from") <= last,
        pl.col("valid_to") >= first,
    )
    whole = met.filter(pl.col("valid_from") <= first, pl.col("valid_to") >= last)
    if met.height == whole.height == 1:
        names = ("network", "state")
        return frame.with_columns(pl.lit(whole[name][0]).alias(name) for name in names), []
    days = frame.select("observed_on").unique().with_columns(
        pl.lit(snapshot.document).alias("document"), pl.lit("").alias("raw_text"),
        pl.lit(snapshot.snapshot_id).alias("snapshot_id"), pl.lit("*").alias("at"),
        pl.lit(snapshot.file).alias("file"), pl.lit(snapshot.slice).alias("slice"),
    )  # fmt: skip
    days, rejects = cells.attributes(days, context, TABLE, "observed_on")
    known = days.select("observed_on", "network", "state")
    return frame.join(known, on="observed_on", how="left", maintain_order="left"), rejects


# ------------------------------------------------------------------------------- a slice


def read(snapshot: Snapshot) -> Iterator[Readings]:
    """The records of a held file by its reader; LayoutDrift or RefusedInput says what is wrong."""
    if snapshot.reader == "site_hours":
        yield from site_hours(snapshot)
        return
    data = pages.unpacked(snapshot.path, snapshot.file)
    yield (
        wide_hours(data, snapshot.file)
        if snapshot.reader == "wide_hours"
        else platform_records(data, snapshot.file)
    )


def hour_frames(
    snapshots: Sequence[Snapshot], slice_: str, context: Context, rejects: list[Reject]
) -> Iterator[pl.DataFrame]:
    """One frame of `air_station_hour` per file or member, in order; rejects are appended.

    Replies of the platform come again, since values arrive late and a station that stands still
    keeps its old time: of several records for a station and hour the last one counts.
    """
    replies: list[pl.DataFrame] = []
    for snapshot in snapshots:
        try:
            for readings in read(snapshot):
                frame, found = station_hours(readings, snapshot, context)
                rejects += found
                if snapshot.reader == "platform_records":
                    replies.append(frame)
                else:
                    yield _of_edition(frame, snapshot)
        except (LayoutDrift, RefusedInput) as error:
            rejects.append(
                Reject(
                    snapshot.snapshot_id, "L1", snapshot.file, TABLE, slice_, "",
                    "hourly records of stations or cities", str(error), "",
                    "the file cannot be read", "error",
                )
            )  # fmt: skip
    if replies:
        station = ["place_raw", "station_code", "station_name", "observed_on", "hour"]
        yield pl.concat(replies).unique(station, keep="last", maintain_order=True)


def _of_edition(frame: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """The hours of the slice, a year or month: a file may hold several, each a claim of its own."""
    year, *month = (int(part) for part in snapshot.edition.split("-"))
    first = date(year, month[0] if month else 1, 1)
    following = (first + timedelta(days=31 if month else 366)).replace(day=1)
    # Hour 24 of the eve is written as 00:00 of the first day, and stays with its file's edition.
    written = pl.col("observed_on").cast(pl.Int32) + (pl.col("hour") == 24).cast(pl.Int32)
    return frame.filter(
        written >= pl.lit(first).cast(pl.Int32), written < pl.lit(following).cast(pl.Int32)
    )

"""Write `sources/rail/` from the folder of originals.

Belongs here: which dates and trains are embedded, which station tables say where a stop lies, the
days of 2024 that were no ordinary weekdays. Not here: reading those CSV files (stations,
timetable) or counting (dbt). Runs by hand when an original changes; a refresh needs no originals.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.errors import LayoutDrift, UnknownName
from pipelines.geography.divisions import read_divisions
from pipelines.rail import calendar, cr, whole
from pipelines.rail.calendar import Window
from pipelines.rail.recognise import LISTINGS, TIMETABLES, WHOLE

GPX = "github gpx0214/gpx0214.github.io"
DOCUMENT = "cr_timetable_240410"
TIMETABLE = "data/rail/raw/gpx0214/cr240410.min.csv.gz"
# The last day is not in the file: after it the number of trains a day drops, because from there
# only trains marked "every day" still answer (SOURCES.md of the originals).
WINDOW = Window(date(2024, 4, 10), date(2024, 4, 10), date(2024, 5, 10))
# An ordinary Wednesday and a Wednesday that is a public holiday.
SERVICE_DATES = (date(2024, 4, 17), date(2024, 5, 1))
PUBLISHED = (date(2024, 4, 26), "commit e70c31f of github gpx0214/gpx0214.github.io")
STATION_DOCUMENT = "station_table_12306"


@dataclass(frozen=True)
class StationTable:
    """A copy of 12306's table of stations. day: the day of the commit or release that holds it."""

    path: str
    day: date
    origin: str
    licence: str = "not stated"


RAW = "data/rail/raw"
STATION_TABLES = (
    StationTable(f"{RAW}/stations/station_name.fk12306-0.1.1.txt", date(2019, 3, 31),
                 "PyPI fk12306 0.1.1", "MIT"),
    StationTable(f"{RAW}/gpx0214/station_name.20210103.js", date(2021, 1, 3), f"{GPX} 1ed2824"),
    StationTable(f"{RAW}/gpx0214/station.20220630.csv", date(2022, 6, 30), f"{GPX} 04b676a"),
    StationTable(f"{RAW}/gpx0214/station.20230426.csv.gz", date(2023, 4, 26), f"{GPX} 68fb0aa"),
    StationTable(f"{RAW}/stations/station_name.20240304.qdkstorm.txt.gz", date(2024, 3, 4),
                 "github QDKStorm/China-Railway-Transfer-Planning-Dev, first commit"),
    StationTable(f"{RAW}/gpx0214/station.20240506.csv.gz", date(2024, 5, 6), f"{GPX} bf3f172"),
    StationTable(f"{RAW}/stations/station_name.x12306-0.3.2.txt.gz", date(2024, 6, 30),
                 "PyPI x12306 0.3.2", "MIT"),
    StationTable(f"{RAW}/gpx0214/station.20240829.csv.gz", date(2024, 8, 29), f"{GPX} f85fed1"),
    StationTable(f"{RAW}/gpx0214/station.20260130.csv.gz", date(2026, 1, 30), f"{GPX} 526c68b"),
    StationTable(f"{RAW}/stations/station_name.mcp-server-12306-0.5.0.post20260930.js.gz",
                 date(2026, 9, 30), "PyPI mcp-server-12306 0.5.0.post20260930", "MIT"),
)  # fmt: skip
ADDRESSES = "data/rail/raw/geo/cnstation.heywhale.csv.gz"
POINTS = "data/rail/raw/geo/station_coords_osm.wensimehrp.csv"
GUANGDONG = "44"
TELECODE = re.compile(r"[A-Z]{3}")
CITY_CODE = re.compile(r"[0-9]{4}")
# 12306 writes two characters of station names as private ones.
PRIVATE = str.maketrans({"\ue244": "磏", "\ue24d": "椑"})
# Districts that gave up 坪山, 龙华 and 光明 after the list of addresses was made: an address in
# them does not say which district the station lies in today.
SPLIT_SINCE = {"440306", "440307"}
# Generous box around the province, for stops that no table lists.
BOX = ((109.6, 117.4), (20.1, 25.6))

ORIGINS = {
    TIMETABLE: ("mirror", f"{GPX} e70c31f", "not stated"),
    **{t.path: ("mirror", t.origin, t.licence) for t in STATION_TABLES},
    ADDRESSES: ("secondary", "github listenzcc/China-rail-way-stations-data", "not stated"),
    POINTS: ("secondary", "github wensimehrp/chinese-railway-gtfs 3f527cf", "ODbL (OpenStreetMap)"),
}

# Notices of the State Council General Office: document id, its number and day, days off, weekend
# days worked in exchange. Compared day by day with the PyPI package chinesecalendar 1.11.0: equal.
NOTICES = {
    2021: (
        "国办发明电〔2020〕27号", "2020-11-25",
        "01-01/01-03 02-11/02-17 04-03/04-05 05-01/05-05 06-12/06-14 09-19/09-21 10-01/10-07",
        "02-07 02-20 04-25 05-08 09-18 09-26 10-09",
    ),
    2022: (
        "国办发明电〔2021〕11号", "2021-10-25",
        "01-01/01-03 01-31/02-06 04-03/04-05 04-30/05-04 06-03/06-05 09-10/09-12 10-01/10-07",
        "01-29 01-30 04-02 04-24 05-07 10-08 10-09",
    ),
    2023: (
        "国办发明电〔2022〕16号", "2022-12-08",
        "01-01/01-02 01-21/01-27 04-05/04-05 04-29/05-03 06-22/06-24 09-29/10-06",
        "01-28 01-29 04-23 05-06 06-25 10-07 10-08",
    ),
    2024: (
        "国办发明电〔2023〕7号", "2023-10-25",
        "01-01/01-01 02-10/02-17 04-04/04-06 05-01/05-05 06-10/06-10 09-15/09-17 10-01/10-07",
        "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
    ),
}  # fmt: skip
# The notice of 2023 gives the last day of 2022 off.
OFF_BY_THE_NEXT_NOTICE = {date(2022, 12, 31): 2023}


def holiday_notice(year: int) -> str:
    return f"state_council_holidays_{year}"


STATION_COLUMNS = (
    "telecode", "station_name_zh", "city_code_12306", "city_name_12306", "place_code",
    "county_code", "county_evidence", "valid_from", "valid_to", "note",
    "read_from", "read_sha256", "read_locator",
)  # fmt: skip
TRAIN_COLUMNS = (
    "train_no", "start_date", "codes", "calendar", "origin", "terminal", "origin_departs",
    "total_minutes", "stops_total", "read_sha256", "read_locator",
)  # fmt: skip
STOP_COLUMNS = (
    "train_no", "stop_seq", "stop", "telecode", "arrive_minutes", "depart_minutes",
    "read_sha256", "read_locator",
)  # fmt: skip
DAY_COLUMNS = (
    "service_date", "base_date", "window_first", "window_last", "trains", "trains_skipping_only",
    "trains_unreadable", "read_from", "read_sha256", "read_locator",
)  # fmt: skip


@dataclass
class Originals:
    """The folder of originals, and a record of every file that was read from it."""

    folder: Path
    read: dict[str, dict[str, str]] = field(default_factory=dict)

    def text(self, path: str) -> str:
        held = (self.folder / path).read_bytes()
        data = gzip.decompress(held) if path.endswith(".gz") else held
        kind, origin, licence = ORIGINS[path]
        self.read[path] = {
            "path": path,
            "sha256": hashlib.sha256(held).hexdigest(),
            "sha256_unpacked": hashlib.sha256(data).hexdigest(),
            "bytes": str(len(held)),
            "source_kind": kind,
            "origin": origin,
            "licence": licence,
        }
        return data.decode("utf-8-sig")

    def prefix(self, path: str) -> str:
        return self.read[path]["sha256"][:12]


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _bare(name: str) -> str:
    """A station name without the blanks that mark a second yard: 佛山  西 is a yard of 佛山西."""
    return "".join(name.split()).translate(PRIVATE)


# --------------------------------------------------------------------------- stations


def _listed(held: Originals) -> list[dict[str, Any]]:
    """Every station of every table: telecode, name, city (empty before 2023), day, place in it."""
    rows = []
    for table in STATION_TABLES:
        text = held.text(table.path)
        if "@" in text[:80]:
            records = [(f"@{n}", r.split("|")) for n, r in enumerate(text.split("@")[1:], start=1)]
        else:
            lines = enumerate(text.splitlines(), start=1)
            records = [(f"L{n}", line.split(",")) for n, line in lines]
        for locator, cells in records:
            # A running index of -1 marks what the keeper of the archive added by hand.
            if len(cells) < 6 or not TELECODE.fullmatch(cells[2]) or cells[5] == "-1":
                continue
            has_city = len(cells) > 7 and CITY_CODE.fullmatch(cells[6])
            rows.append(
                {
                    "telecode": cells[2],
                    "station_name_zh": _bare(cells[1]),
                    "city_code_12306": cells[6] if has_city else "",
                    "city_name_12306": cells[7] if has_city else "",
                    "day": table.day,
                    "read_from": table.path,
                    "read_sha256": held.prefix(table.path),
                    "read_locator": locator,
                }
            )
    return rows


def _with_cities(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with a city wherever a table names one for that station, at that day or later.

    12306 gave its stations cities in 2023. An older row takes the city of the same telecode and
    name, of the telecode, or of the only city with a station of that name, in that order.
    """
    exact: dict[tuple[str, str], tuple[str, str]] = {}
    by_code: dict[str, tuple[str, str]] = {}
    by_name: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        if row["city_code_12306"]:
            city = (row["city_code_12306"], row["city_name_12306"])
            exact.setdefault((row["telecode"], row["station_name_zh"]), city)
            by_code.setdefault(row["telecode"], city)
            by_name.setdefault(row["station_name_zh"], set()).add(city)
    for row in rows:
        row["city_note"] = ""
        if row["city_code_12306"]:
            continue
        named = by_name.get(row["station_name_zh"], set())
        only = next(iter(named)) if len(named) == 1 else None
        found = exact.get((row["telecode"], row["station_name_zh"])) or by_code.get(
            row["telecode"], only
        )
        if found:
            row["city_code_12306"], row["city_name_12306"] = found
            row["city_note"] = "city from a later table"
        else:
            row["city_note"] = "no table held names its city"
    return rows


def _prefectures(sources: Path) -> tuple[dict[str, str], dict[str, list[tuple[str, str]]]]:
    """Short name -> code of the 21 prefectures, and code -> (name, code) of its county units."""
    divisions, rejects = read_divisions(sources, lambda file: file)
    if rejects:
        raise LayoutDrift("; ".join(reject.message() for reject in rejects))
    now = divisions.filter(pl.col("valid_to").is_null())
    cities = now.filter(
        (pl.col("place_level") == "prefecture") & (pl.col("parent_code") == "440000")
    )
    names = {
        name.removesuffix("市"): code
        for code, name in cities.select("place_code", "place_name_zh").iter_rows()
    }
    counties: dict[str, list[tuple[str, str]]] = {}
    columns = ("parent_code", "place_name_zh", "place_code")
    for parent, name, code in (
        now.filter(pl.col("place_level") == "county").select(columns).iter_rows()
    ):
        counties.setdefault(parent, []).append((name, code))
    return names, counties


def _points(held: Originals) -> dict[str, tuple[float, float]]:
    """Station name -> longitude and latitude in OpenStreetMap."""
    cells = [line.rsplit(",", 2) for line in held.text(POINTS).splitlines()[1:]]
    return {name: (float(longitude), float(latitude)) for name, longitude, latitude in cells}


def _counties(
    held: Originals, codes: Mapping[str, str], counties: Mapping[str, list[tuple[str, str]]]
) -> dict[str, tuple[str, str]]:
    """Station name -> (county code, evidence) where a printed address names exactly one county.

    The list of addresses holds wrong cities now and then (南头 in 深圳), so a row counts only when
    its city agrees and its point lies within about five kilometres of the OpenStreetMap point.
    """
    points = _points(held)
    text = held.text(ADDRESSES)
    found = {}
    for number, cells in enumerate(csv.reader(text.splitlines()), start=1):
        if len(cells) < 11 or cells[5] != "广东":
            continue
        name, city = cells[0].removesuffix("站"), codes.get(cells[6])
        near = points.get(name)
        named = [code for county, code in counties.get(city or "", []) if county in cells[1]]
        if len(named) != 1 or near is None or named[0] in SPLIT_SINCE:
            continue
        if abs(float(cells[9]) - near[0]) < 0.05 and abs(float(cells[10]) - near[1]) < 0.05:
            found[name] = (named[0], f"address in {ADDRESSES} L{number}")
    return found


def _known_counties(sources: Path) -> dict[str, tuple[str, str]]:
    """telecode -> (county code, evidence) of the stations somebody looked up."""
    with (sources / "rail" / "station_counties.csv").open(encoding="utf-8", newline="") as handle:
        return {
            row["telecode"]: (row["county_code"], row["evidence"]) for row in csv.DictReader(handle)
        }


def _cities(sources: Path) -> dict[tuple[str, str], str]:
    """(city code, city name) of 12306 -> division code, empty where there is none."""
    with (sources / "rail" / "cities.csv").open(encoding="utf-8", newline="") as handle:
        return {
            (row["city_code_12306"], row["city_name_12306"]): row["place_code"]
            for row in csv.DictReader(handle)
        }


def _stations(held: Originals, sources: Path) -> list[dict[str, str]]:
    """One row per (telecode, name, city), valid from the first table that shows it."""
    cities = _cities(sources)
    codes, counties = _prefectures(sources)
    where = _counties(held, codes, counties)
    looked_up = _known_counties(sources)
    days = [table.day for table in STATION_TABLES]
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    identity = ("telecode", "station_name_zh", "city_code_12306", "city_name_12306")
    for row in _with_cities(_listed(held)):
        groups.setdefault(tuple(row[name] for name in identity), []).append(row)
    rows = []
    for group in groups.values():
        row, last = group[0], group[-1]["day"]
        name, city = row["station_name_zh"], (row["city_code_12306"], row["city_name_12306"])
        if city[0] and city not in cities:
            raise UnknownName(
                f"{row['read_from']} {row['read_locator']}: {'|'.join(city)} of 12306 is not in "
                "sources/rail/cities.csv; add it with its division, or without one and why"
            )
        place = cities.get(city, "")
        county, evidence = where.get(name, looked_up.get(row["telecode"], ("", "")))
        in_city = county in {code for _, code in counties.get(place, [])}
        later = [day for day in days if day > last]
        notes = ["in the first table held; older"] if row["day"] == days[0] else []
        notes += [row["city_note"]] if row["city_note"] else []
        rows.append(
            {column: row.get(column, "") for column in STATION_COLUMNS}
            | {
                "place_code": place,
                "county_code": county if in_city else "",
                "county_evidence": evidence if in_city else "",
                "valid_from": row["day"].isoformat(),
                "valid_to": (later[0] - timedelta(days=1)).isoformat() if later else "",
                "note": "; ".join(notes),
            }
        )
    return sorted(rows, key=lambda row: (row["telecode"], row["valid_from"]))


# --------------------------------------------------------------------------- the timetable


def _resolved(stops: pl.DataFrame, every: list[dict[str, str]]) -> pl.DataFrame:
    """The stops with the telecode of the Guangdong station they mean; null outside Guangdong.

    A stop is written as a telecode, or as a name when it has none; blanks inside a name mark a
    second yard of the station of that name.
    """
    stations = [row for row in every if row["place_code"].startswith(GUANGDONG)]
    telecodes = {row["telecode"] for row in stations}
    names: dict[str, set[str]] = {}
    for row in stations:
        names.setdefault(row["station_name_zh"], set()).add(row["telecode"])
    known = {}
    for raw in stops["stop_raw"].unique():
        if raw in telecodes:
            known[raw] = raw
        elif len(named := names.get(_bare(raw), set())) == 1:
            known[raw] = next(iter(named))
        elif named:
            raise UnknownName(f"stop {raw!r} may be any of the stations {', '.join(sorted(named))}")
    return stops.with_columns(
        telecode=pl.col("stop_raw").replace_strict(known, default=None, return_dtype=pl.String)
    )


def _starts_on(timetable: cr.Timetable, day: date) -> pl.Series:
    """Whether each train of the timetable starts on a day of the window."""
    masks = calendar.readable_masks(timetable.trains["calendar"], WINDOW)
    bit = (day - WINDOW.first).days
    return timetable.trains["calendar"].replace_strict(
        list(masks), [bool(m >> bit & 1) for m in masks.values()], default=False,
        return_dtype=pl.Boolean,
    )  # fmt: skip


def _services(timetable: cr.Timetable, day: date, stops: pl.DataFrame) -> pl.DataFrame:
    """Trains (block, line, …, start_date) that matter for the date, with their ends.

    They depart a Guangdong station on the date, whenever they started, or start on the date and
    call in Guangdong at any time: the first are counted between cities, the second are the trains
    of the date that touch the province.
    """
    inside = stops.filter(pl.col("telecode").is_not_null()).with_columns(
        days_run=(pl.col("origin_minute") + pl.col("depart_minutes")) // 1440
    )
    ends = stops.group_by("block").agg(
        pl.col("stop_raw").sort_by("stop_seq").first().alias("origin"),
        pl.col("stop_raw").sort_by("stop_seq").last().alias("terminal"),
        pl.col("origin_minute").first(),
        pl.col("arrive_minutes").max().alias("total_minutes"),
        pl.len().alias("stops_total"),
    )
    parts = []
    longest = max(inside["days_run"].drop_nulls().to_list(), default=0)
    for back in range(longest + 1):
        start = day - timedelta(days=back)
        # A train that started before the window belongs to the timetable before this one.
        if start < WINDOW.first:
            continue
        blocks = inside.filter((pl.col("days_run") == back) | (back == 0)).select("block").unique()
        running = timetable.trains.filter(_starts_on(timetable, start))
        parts.append(
            running.join(blocks, on="block", how="semi").with_columns(
                start_date=pl.lit(start.isoformat())
            )
        )
    return pl.concat(parts).join(ends, on="block").sort("train_no", "start_date")


def _day(
    held: Originals, timetable: cr.Timetable, stops: pl.DataFrame, day: date, folder: Path
) -> str:
    """Write the three files of a service date; return the line of the report."""
    prefix = held.prefix(TIMETABLE)
    services = _services(timetable, day, stops)
    trains = [
        {
            "train_no": row["train_no"],
            "start_date": row["start_date"],
            "codes": row["code"],
            "calendar": row["calendar"],
            "origin": row["origin"],
            "terminal": row["terminal"],
            "origin_departs": f"{row['origin_minute'] // 60:02}:{row['origin_minute'] % 60:02}",
            "total_minutes": row["total_minutes"],
            "stops_total": row["stops_total"],
            "read_sha256": prefix,
            "read_locator": f"L{row['line']}",
        }
        for row in services.iter_rows(named=True)
    ]
    calls = (
        services.select("block", "train_no")
        .unique()
        .join(stops.filter(pl.col("telecode").is_not_null()), on="block")
        .sort("train_no", "stop_seq")
        .select(
            "train_no",
            "stop_seq",
            # The cell itself only where it is no telecode: most are, and the file stays small.
            pl.when(pl.col("stop_raw") == pl.col("telecode"))
            .then(pl.lit(""))
            .otherwise("stop_raw")
            .alias("stop"),
            "telecode",
            "arrive_minutes",
            "depart_minutes",
            pl.lit(prefix).alias("read_sha256"),
            pl.concat_str(pl.lit("L"), "line").alias("read_locator"),
        )
    )
    running = timetable.trains.filter(_starts_on(timetable, day))
    readable = running.join(stops.select("block").unique(), on="block", how="semi").height
    facts = {
        "service_date": day.isoformat(),
        "base_date": WINDOW.base.isoformat(),
        "window_first": WINDOW.first.isoformat(),
        "window_last": WINDOW.last.isoformat(),
        "trains": running.height,
        "trains_skipping_only": int(
            whole.single_gaps(whole.running(timetable.trains, WINDOW)[1])[(day - WINDOW.first).days]
        ),
        "trains_unreadable": running.height - readable,
        "read_from": TIMETABLE,
        "read_sha256": prefix,
        "read_locator": f"L1-L{timetable.stops.select(pl.col('line').max()).item()}",
    }
    home = folder / "transcriptions" / DOCUMENT / day.isoformat()
    _write(home / "day.csv", DAY_COLUMNS, [facts])
    _write(home / "trains.csv", TRAIN_COLUMNS, trains)
    _write(home / "stop_times.csv", STOP_COLUMNS, calls.iter_rows(named=True))
    return (
        f"{DOCUMENT}/{day}: {running.height} trains in the nation, {len(trains)} held, "
        f"{calls.height} stop times"
    )


def _unmapped(
    held: Originals, timetable: cr.Timetable, stops: pl.DataFrame
) -> list[dict[str, object]]:
    """Stops of the two dates that no station table lists and that may lie in Guangdong.

    A stop whose point lies outside a box around the province is none of ours and is left out.
    """
    listed = {name for row in _listed(held) for name in (row["telecode"], row["station_name_zh"])}
    points = _points(held)
    running = pl.concat(timetable.trains.filter(_starts_on(timetable, d)) for d in SERVICE_DATES)
    calls = stops.join(running.select("block").unique(), on="block", how="semi")
    inside = calls.group_by("block").agg(pl.col("telecode").is_not_null().any().alias("guangdong"))
    rows = []
    for raw, blocks, touching in (
        calls.join(inside, on="block")
        .group_by("stop_raw")
        .agg(pl.len(), pl.col("guangdong").sum())
        .sort("stop_raw")
        .iter_rows()
    ):
        if raw in listed or _bare(raw) in listed:
            continue
        point = points.get(_bare(raw))
        if point and not all(low <= x <= high for x, (low, high) in zip(point, BOX, strict=True)):
            continue
        rows.append({
            "stop": raw, "stop_lists": blocks, "of_which_call_in_guangdong": touching,
            "longitude": point[0] if point else "", "latitude": point[1] if point else "",
            "reason": "in no station table held",
        })  # fmt: skip
    return rows


def _day_types() -> list[dict[str, str]]:
    """Every day of the years with a notice; a holiday includes the days off given in exchange."""
    rows = []
    for year, (_, _, off_text, worked_text) in NOTICES.items():
        off: set[date] = set()
        for span in off_text.split():
            start, end = (date.fromisoformat(f"{year}-{day}") for day in span.split("/"))
            off |= {start + timedelta(days=n) for n in range((end - start).days + 1)}
        worked = {date.fromisoformat(f"{year}-{day}") for day in worked_text.split()}
        day = date(year, 1, 1)
        while day.year == year:
            notice = year
            if day in off:
                kind = "public_holiday"
            elif day in worked:
                kind = "makeup_workday"
            elif day in OFF_BY_THE_NEXT_NOTICE:
                kind, notice = "public_holiday", OFF_BY_THE_NEXT_NOTICE[day]
            else:
                kind = "weekend" if day.isoweekday() > 5 else "workday"
            by_notice = kind in {"public_holiday", "makeup_workday"}
            rows.append({
                "date": day.isoformat(), "day_type": kind,
                "source": holiday_notice(notice) if by_notice else "day of the week",
            })  # fmt: skip
            day += timedelta(days=1)
    return rows


def _kept(sources: Path, file: str) -> list[dict[str, str]]:
    with (sources / file).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def transcribe(originals: Path, sources: Path) -> list[str]:
    """Write the files of `sources/rail/`; return one line of text for each.

    `originals` holds `data/rail/`; `sources` holds `geography/divisions.csv` and `contract.yml`.
    Deterministic: the same originals give the same bytes. LayoutDrift or UnknownName when an
    original no longer says what this module knows.
    """
    held = Originals(originals)
    folder = sources / "rail"
    report = []

    def write(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
        report.append(f"{name}: {_write(folder / name, columns, rows)} rows")

    stations = _stations(held, sources)
    write("stations.csv", STATION_COLUMNS, stations)
    timetable = cr.read(held.text(TIMETABLE))
    stops = _resolved(timetable.stops, stations)
    one_day: Callable[[date], str] = partial(_day, held, timetable, stops, folder=folder)
    report += [one_day(day) for day in SERVICE_DATES]
    write(
        "unmapped_stops.csv",
        ("stop", "stop_lists", "of_which_call_in_guangdong", "longitude", "latitude", "reason"),
        _unmapped(held, timetable, stops),
    )
    write("day_types.csv", ("date", "day_type", "source"), _day_types())
    write(
        "editions.csv",
        ("document", "edition", "published_on", "published_on_precision", "evidence"),
        [
            {
                "document": DOCUMENT,
                "edition": day.isoformat(),
                "published_on": PUBLISHED[0].isoformat(),
                "published_on_precision": "day",
                "evidence": PUBLISHED[1],
            }
            for day in SERVICE_DATES
        ]
        + [
            {
                "document": STATION_DOCUMENT,
                "edition": table.day.isoformat(),
                "published_on": table.day.isoformat(),
                "published_on_precision": "month" if table.day.day in {30, 31} else "day",
                "evidence": table.origin,
            }
            for table in STATION_TABLES
        ]
        + [
            {
                "document": held_table["timetable"],
                "edition": WHOLE,
                "published_on": held_table["published_on"],
                "published_on_precision": "day",
                "evidence": f"commit {held_table['origin']}",
            }
            for held_table in _kept(sources, TIMETABLES)
        ]
        + [
            {
                "document": listed["document"],
                "edition": listed["edition"],
                "published_on": listed["published_on"],
                "published_on_precision": "day",
                "evidence": listed["origin"],
            }
            # A listing of several files has a line for each.
            for listed in {
                (row["document"], row["edition"]): row for row in _kept(sources, LISTINGS)
            }.values()
        ]
        + [
            {
                "document": holiday_notice(year),
                "edition": str(year),
                "published_on": published,
                "published_on_precision": "day",
                "evidence": "date of the notice",
            }
            for year, (_, published, _, _) in NOTICES.items()
        ],
    )
    columns = (
        "path", "sha256", "sha256_unpacked", "bytes", "source_kind", "origin", "licence",
    )  # fmt: skip
    write("originals.csv", columns, [held.read[path] for path in sorted(held.read)])
    return report

"""Write `sources/rail/` from the folder of originals.

Belongs here: which dates and trains are embedded, which station tables say where a stop lies, the
days of 2024 that were no ordinary weekdays. Not here: reading those CSV files (stations,
timetable) or counting (dbt). Runs by hand when an original changes; a refresh needs no originals.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from pipelines.errors import LayoutDrift, UnknownName, nearest
from pipelines.geography.divisions import read_divisions
from pipelines.rail import calendar, cr
from pipelines.rail.calendar import Window

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
    """A copy of 12306's table of stations. day: the day of the commit that holds it."""

    path: str
    day: date
    origin: str


STATION_TABLES = (
    StationTable("data/rail/raw/gpx0214/station.20230426.csv.gz", date(2023, 4, 26), "68fb0aa"),
    StationTable("data/rail/raw/gpx0214/station.20240506.csv.gz", date(2024, 5, 6), "bf3f172"),
    StationTable("data/rail/raw/gpx0214/station.20240829.csv.gz", date(2024, 8, 29), "f85fed1"),
    StationTable("data/rail/raw/gpx0214/station.20260130.csv.gz", date(2026, 1, 30), "526c68b"),
)
ADDRESSES = "data/rail/raw/geo/cnstation.heywhale.csv.gz"
POINTS = "data/rail/raw/geo/station_coords_osm.wensimehrp.csv"
GUANGDONG_12306 = "15"
# Districts that gave up 坪山, 龙华 and 光明 after the list of addresses was made: an address in
# them does not say which district the station lies in today.
SPLIT_SINCE = {"440306", "440307"}
# Generous box around the province, for stops that no table lists.
BOX = ((109.6, 117.4), (20.1, 25.6))

GPX = "github gpx0214/gpx0214.github.io"
ORIGINS = {
    TIMETABLE: ("mirror", f"{GPX} e70c31f", "not stated"),
    **{t.path: ("mirror", f"{GPX} {t.origin}", "not stated") for t in STATION_TABLES},
    ADDRESSES: ("secondary", "github listenzcc/China-rail-way-stations-data", "not stated"),
    POINTS: ("secondary", "github wensimehrp/chinese-railway-gtfs 3f527cf", "ODbL (OpenStreetMap)"),
}

# State Council General Office, notice 国办发明电〔2023〕7号 of 2023-10-25: days off of 2024 and the
# weekend days worked in exchange.
HOLIDAYS_2024 = (
    ("2024-01-01", "2024-01-01"), ("2024-02-10", "2024-02-17"), ("2024-04-04", "2024-04-06"),
    ("2024-05-01", "2024-05-05"), ("2024-06-10", "2024-06-10"), ("2024-09-15", "2024-09-17"),
    ("2024-10-01", "2024-10-07"),
)  # fmt: skip
WORKED_WEEKENDS_2024 = (
    "2024-02-04", "2024-02-18", "2024-04-07", "2024-04-28", "2024-05-11", "2024-09-14",
    "2024-09-29", "2024-10-12",
)  # fmt: skip
HOLIDAY_NOTICE = "state_council_holidays_2024"

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
    return "".join(name.split())


# --------------------------------------------------------------------------- stations


def _listed(held: Originals) -> pl.DataFrame:
    """Every Guangdong station of every table: telecode, name, city, day of the table, line."""
    rows = []
    for table in STATION_TABLES:
        for number, line in enumerate(held.text(table.path).splitlines(), start=1):
            cells = line.split(",")
            if len(cells) > 7 and cells[6].startswith(GUANGDONG_12306):
                rows.append(
                    {
                        "telecode": cells[2],
                        "station_name_zh": _bare(cells[1]),
                        "city_code_12306": cells[6],
                        "city_name_12306": cells[7],
                        "day": table.day,
                        "read_from": table.path,
                        "read_sha256": held.prefix(table.path),
                        "read_locator": f"L{number}",
                    }
                )
    return pl.DataFrame(rows)


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


def _stations(held: Originals, sources: Path) -> list[dict[str, str]]:
    """One row per (telecode, name, city), valid from the first table that shows it."""
    listed = _listed(held)
    codes, counties = _prefectures(sources)
    where = _counties(held, codes, counties)
    days = [table.day for table in STATION_TABLES]
    rows = []
    identity = ["telecode", "station_name_zh", "city_code_12306", "city_name_12306"]
    for row in (
        listed.sort("day")
        .group_by(identity, maintain_order=True)
        .agg(
            pl.col("day").first().alias("first"),
            pl.col("day").last().alias("last"),
            pl.col("read_from", "read_sha256", "read_locator").first(),
        )
        .iter_rows(named=True)
    ):
        city, name = row["city_name_12306"], row["station_name_zh"]
        if city not in codes:
            raise UnknownName(
                f"{row['read_from']} {row['read_locator']}: {city!r} is no prefecture of "
                f"Guangdong; nearest: {nearest(city, sorted(codes)) or 'none'}"
            )
        later = [day for day in days if day > row["last"]]
        first_table = row["first"] == days[0]
        county, evidence = where.get(name, ("", ""))
        in_city = county in {code for _, code in counties.get(codes[city], [])}
        rows.append(
            {column: row.get(column, "") for column in STATION_COLUMNS}
            | {
                "place_code": codes[city],
                "county_code": county if in_city else "",
                "county_evidence": evidence if in_city else "",
                "valid_from": row["first"].isoformat(),
                "valid_to": (later[0] - timedelta(days=1)).isoformat() if later else "",
                "note": "in the first table held; older" if first_table else "",
            }
        )
    return sorted(rows, key=lambda row: (row["telecode"], row["valid_from"]))


# --------------------------------------------------------------------------- the timetable


def _resolved(stops: pl.DataFrame, stations: list[dict[str, str]]) -> pl.DataFrame:
    """The stops with the telecode of the Guangdong station they mean; null outside Guangdong.

    A stop is written as a telecode, or as a name when it has none; blanks inside a name mark a
    second yard of the station of that name.
    """
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
        running = timetable.trains.filter(
            calendar.starts_on(timetable.trains["calendar"], start, WINDOW)
        )
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
    expressions = timetable.trains["calendar"]
    running = timetable.trains.filter(calendar.starts_on(expressions, day, WINDOW))
    readable = running.join(stops.select("block").unique(), on="block", how="semi").height
    facts = {
        "service_date": day.isoformat(),
        "base_date": WINDOW.base.isoformat(),
        "window_first": WINDOW.first.isoformat(),
        "window_last": WINDOW.last.isoformat(),
        "trains": running.height,
        "trains_skipping_only": timetable.trains.filter(
            pl.col("calendar") == f"!{day:%y%m%d}"
        ).height,
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
    listed = set()
    for table in STATION_TABLES:
        for line in held.text(table.path).splitlines():
            cells = line.split(",")
            if len(cells) > 2:
                listed |= {cells[2], _bare(cells[1])}
    points = _points(held)
    expressions = timetable.trains["calendar"]
    running = pl.concat(
        timetable.trains.filter(calendar.starts_on(expressions, day, WINDOW))
        for day in SERVICE_DATES
    )
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
    """Every day of 2024 with its type; a holiday includes the days off given in exchange."""
    off = set()
    for first, last in HOLIDAYS_2024:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
        off |= {start + timedelta(days=n) for n in range((end - start).days + 1)}
    worked = {date.fromisoformat(day) for day in WORKED_WEEKENDS_2024}
    rows = []
    for day in (date(2024, 1, 1) + timedelta(days=n) for n in range(366)):
        if day in off:
            kind = "public_holiday"
        elif day in worked:
            kind = "makeup_workday"
        else:
            kind = "weekend" if day.isoweekday() > 5 else "workday"
        by_notice = kind in {"public_holiday", "makeup_workday"}
        rows.append({
            "date": day.isoformat(), "day_type": kind,
            "source": HOLIDAY_NOTICE if by_notice else "day of the week",
        })  # fmt: skip
    return rows


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
                "published_on_precision": "day",
                "evidence": f"commit {table.origin} of {GPX}",
            }
            for table in STATION_TABLES
        ]
        + [
            {
                "document": HOLIDAY_NOTICE,
                "edition": "2024",
                "published_on": "2023-10-25",
                "published_on_precision": "day",
                "evidence": "date of the notice",
            }
        ],
    )
    columns = (
        "path", "sha256", "sha256_unpacked", "bytes", "source_kind", "origin", "licence",
    )  # fmt: skip
    write("originals.csv", columns, [held.read[path] for path in sorted(held.read)])
    return report

"""One service date of a timetable as contract tables.

Belongs here: reading the three transcribed files of a date, checking every line, minutes and days
of every stop. Not here: the archive format they were taken from (cr), stations (stations), the
counting rule (pairs), timetables held whole (whole).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.archive.store import Snapshot
from pipelines.errors import LayoutDrift, Reject
from pipelines.rail import calendar, cr, lines, pairs
from pipelines.rail.calendar import Window
from pipelines.rail.lines import Check, Origin
from pipelines.rail.stations import near

DAY_COLUMNS = (
    "service_date", "base_date", "window_first", "window_last", "trains", "trains_skipping_only",
    "trains_unreadable", "read_from", "read_sha256", "read_locator",
)  # fmt: skip
TRAIN_COLUMNS = (
    "train_no", "start_date", "codes", "calendar", "origin", "terminal", "origin_departs",
    "total_minutes", "stops_total", "read_sha256", "read_locator",
)  # fmt: skip
STOP_COLUMNS = (
    "train_no", "stop_seq", "stop", "telecode", "arrive_minutes", "depart_minutes",
    "read_sha256", "read_locator",
)  # fmt: skip
CODES = r"^[A-Z]?[0-9]{1,5}(?:/[A-Z]?[0-9]{1,5})*$"
_LONGEST = timedelta(minutes=cr.LONGEST_MINUTES)
_DATES = ("service_date", "base_date", "window_first", "window_last")


@dataclass(frozen=True)
class ServiceDate:
    """The tables of one slice: frames by table name, and what could not be used."""

    tables: dict[str, pl.DataFrame]
    rejects: list[Reject]


def _file(snapshots: Mapping[str, Snapshot], name: str, slice_: str) -> Snapshot:
    if name not in snapshots:
        raise LayoutDrift(f"slice {slice_}: expected a file {name}, found {sorted(snapshots)}")
    return snapshots[name]


def _kept(frame: pl.DataFrame, held: Snapshot) -> pl.DataFrame:
    locator = [pl.concat_str(pl.lit("L"), "line").alias("locator")] if "line" in frame else []
    return frame.with_columns(
        pl.lit(held.document).alias("timetable"),
        pl.lit(held.edition).alias("edition"),
        pl.lit(held.snapshot_id).alias("snapshot_id"),
        *locator,
    )


def _read_day(held: Snapshot, day: date) -> tuple[pl.DataFrame, list[Reject]]:
    origin = Origin(held.file, held.snapshot_id, "rail_day", held.slice)
    raw = lines.read(held.path, held.file, DAY_COLUMNS)
    counts = ("trains", "trains_skipping_only", "trains_unreadable")
    typed = raw.with_columns(
        *(lines.iso_date(name).alias(f"{name}_") for name in _DATES),
        *(lines.whole_number(name).alias(f"{name}_") for name in counts),
    )
    ordered = (pl.col("base_date_") <= pl.col("window_first_")) & (
        pl.col("service_date_").is_between("window_first_", "window_last_")
    )
    checks = (
        lines.fits(DAY_COLUMNS),
        *(Check(pl.col(f"{name}_").is_null(), "not a date", "a date like 2024-04-17", name)
          for name in _DATES),
        *(Check(pl.col(f"{name}_").is_null(), "not a count", "a whole number", name)
          for name in counts),
        Check(pl.col("service_date_") != day, "another date than the folder's", day.isoformat(),
              "service_date"),
        Check(~ordered, "the date is not covered by this timetable",
              "base <= first day <= service date <= last day of the window", "raw"),
        Check(lines.is_repeated("service_date"), "the date is listed twice", "one line", "raw"),
    )  # fmt: skip
    good, rejects = lines.sift(typed, checks, origin)
    frame = good.with_columns(pl.col(f"{name}_").alias(name) for name in (*_DATES, *counts))
    return _kept(frame, held), rejects


def _runs(trains: pl.DataFrame, window: Window) -> pl.Series:
    """Whether the running days of each line hold its start_date; null where they cannot be read."""
    return trains.select(
        pl.struct("calendar", "started")
        .map_batches(lambda rows: _runs_each(rows, window), return_dtype=pl.Boolean)
        .alias("runs")
    )["runs"]


def _runs_each(rows: pl.Series, window: Window) -> pl.Series:
    answers = []
    known: dict[tuple[str, date], bool | None] = {}
    for row in rows:
        key = (row["calendar"], row["started"])
        if key not in known:
            try:
                known[key] = key[1] in calendar.running_days(key[0], window)
            except LayoutDrift:
                known[key] = None
        answers.append(known[key])
    return pl.Series(answers, dtype=pl.Boolean)


def _read_trains(
    held: Snapshot, day: date, window: Window | None
) -> tuple[pl.DataFrame, list[Reject]]:
    """The lines of the trains file, one per train and start date, with typed columns."""
    origin = Origin(held.file, held.snapshot_id, "rail_train", held.slice)
    raw = lines.read(held.path, held.file, TRAIN_COLUMNS).with_columns(
        started=lines.iso_date("start_date"),
        origin_minute=cr.clock_minute("origin_departs"),
        total=lines.whole_number("total_minutes"),
        stops=lines.whole_number("stops_total"),
    )
    runs = (
        _runs(raw, window) if window else pl.repeat(None, raw.height, dtype=pl.Boolean, eager=True)
    )
    raw = raw.with_columns(runs=runs)
    attributes = [c for c in TRAIN_COLUMNS if c not in {"start_date"}]
    checks = (
        lines.fits(TRAIN_COLUMNS),
        Check(~pl.col("train_no").str.contains(cr.HEADER), "not a train number",
              "twelve letters and digits", "train_no"),
        Check(~pl.col("codes").str.contains(CODES), "not a train code",
              "codes like G77, parted by /", "codes"),
        Check(pl.col("started").is_null(), "not a date", "a date like 2024-04-17", "start_date"),
        Check(pl.col("started") > pl.lit(day), "the train starts after the service date",
              f"a start no later than {day}", "start_date"),
        Check(pl.col("runs").is_null(), "running days that cannot be read",
              "an expression of pipelines/rail/calendar.py", "calendar"),
        Check(~pl.col("runs"), "the train does not start on that day",
              "a day its running days name", "start_date"),
        Check((pl.col("origin") == "") | (pl.col("terminal") == ""), "the train has no ends",
              "first and last stop", "raw"),
        Check(pl.col("origin_minute").is_null(), "a time that is no time", "HH:MM",
              "origin_departs"),
        Check(pl.col("total").is_null() | (pl.col("total") > cr.LONGEST_MINUTES),
              "not the minutes of a journey", f"a number up to {cr.LONGEST_MINUTES}",
              "total_minutes"),
        Check(pl.col("stops").is_null() | (pl.col("stops") < 2), "not a count of stops",
              "at least 2", "stops_total"),
        Check(lines.is_repeated("train_no", "start_date"), "the train is listed twice that day",
              "one line per train_no and start_date", "train_no"),
        Check(pl.struct(attributes) != pl.struct(attributes).first().over("train_no"),
              "the train differs from its earlier line", "the same cells but for start_date",
              "raw"),
    )  # fmt: skip
    good, rejects = lines.sift(raw, checks, origin)
    return _kept(good, held), rejects


def _read_stops(
    held: Snapshot, trains: pl.DataFrame, stations: pl.DataFrame
) -> tuple[pl.DataFrame, list[Reject]]:
    origin = Origin(held.file, held.snapshot_id, "rail_stop_time", held.slice)
    known = trains.select("train_no", "origin_minute", "stops").unique("train_no")
    place = stations.select("telecode", "place_code", "county_code", "station")
    places = sorted(stations["telecode"].to_list())
    raw = (
        lines.read(held.path, held.file, STOP_COLUMNS)
        .join(known, on="train_no", how="left", maintain_order="left")
        .with_columns(
            seq=lines.whole_number("stop_seq"),
            arrive=lines.whole_number("arrive_minutes"),
            depart=lines.whole_number("depart_minutes"),
        )
        .join(place, on="telecode", how="left", maintain_order="left")
        .with_columns(
            stop_raw=pl.when(pl.col("stop") != "").then("stop").otherwise("telecode"),
            previous_seq=pl.col("seq").shift().over("train_no"),
            previous_depart=pl.col("depart").shift().over("train_no"),
        )
    )
    no_arrival = (pl.col("arrive_minutes") == "") == (pl.col("seq") == 1)
    no_departure = (pl.col("depart_minutes") == "") == (pl.col("seq") == pl.col("stops"))

    def time(name: str) -> pl.Expr:
        bad = pl.col(name).is_null() | (pl.col(name) > cr.LONGEST_MINUTES)
        return (pl.col(f"{name}_minutes") != "") & bad

    train_names = sorted(known["train_no"].to_list())
    checks = (
        lines.fits(STOP_COLUMNS),
        Check(pl.col("stops").is_null(), "the stop belongs to no train of the date",
              "a train_no of trains.csv", "train_no", near(train_names)),
        Check(pl.col("seq").is_null() | ~pl.col("seq").is_between(1, pl.col("stops")),
              "not a position of the train", "1 up to stops_total", "stop_seq"),
        Check(pl.col("place_code").is_null(), "unknown telecode",
              "a telecode of sources/rail/stations.csv", "telecode", near(places)),
        Check(time("arrive"), "a time that is no time", "minutes since the train departed",
              "arrive_minutes"),
        Check(time("depart"), "a time that is no time", "minutes since the train departed",
              "depart_minutes"),
        Check(~no_arrival, "the arrival is missing or too much",
              "an arrival at every stop but the first", "arrive_minutes"),
        Check(~no_departure, "the departure is missing or too much",
              "a departure at every stop but the last", "depart_minutes"),
        Check((pl.col("depart") < pl.col("arrive")).fill_null(False),
              "the train departs before it arrives", "departure no earlier than arrival",
              "depart_minutes"),
        Check(lines.is_repeated("train_no", "stop_seq"), "the stop is listed twice",
              "one line per train_no and stop_seq", "stop_seq"),
        Check((pl.col("seq") <= pl.col("previous_seq")).fill_null(False),
              "the order of stops is broken", "stops in the order of the journey", "stop_seq"),
        Check((pl.col("arrive") < pl.col("previous_depart")).fill_null(False),
              "the train arrives before it left the stop before", "times that grow along the way",
              "arrive_minutes"),
    )  # fmt: skip
    good, rejects = lines.sift(raw, checks, origin)
    clock = pl.col("origin_minute")
    frame = good.with_columns(
        pl.col("seq").alias("stop_seq"),
        pl.col("arrive").alias("arrive_minutes"),
        pl.col("depart").alias("depart_minutes"),
        ((clock + pl.col("arrive")) // 1440).alias("arrive_day"),
        ((clock + pl.col("depart")) // 1440).alias("depart_day"),
    )
    return _kept(frame, held), rejects


def read_service_date(
    slice_: str, edition: str, snapshots: tuple[Snapshot, ...], stations: pl.DataFrame
) -> ServiceDate:
    """The five tables of one (timetable, service date).

    stations: telecode, place_code, county_code, station of Guangdong. LayoutDrift: a file is
    missing or has another header, or the edition is no date. A bad line is a reject; a day line
    that cannot be used leaves no window, and then no train can be trusted either.
    """
    try:
        day = date.fromisoformat(edition)
    except ValueError:
        raise LayoutDrift(f"slice {slice_}: expected a folder named after its date") from None
    held = {Path(snapshot.file).name: snapshot for snapshot in snapshots}
    days, rejects = _read_day(_file(held, "day.csv", slice_), day)
    window = None
    if days.height:
        row = days.row(0, named=True)
        window = Window(row["base_date"], row["window_first"], row["window_last"])
    trains, refused = _read_trains(_file(held, "trains.csv", slice_), day, window)
    stops, broken = _read_stops(_file(held, "stop_times.csv", slice_), trains, stations)
    letter = pl.col("codes").str.slice(0, 1)
    train = trains.unique("train_no", keep="first", maintain_order=True).with_columns(
        train_class=pl.when(letter.str.contains("[A-Z]")).then(letter).otherwise(pl.lit("number")),
        total_minutes=pl.col("total"),
        stops_total=pl.col("stops"),
        origin_raw=pl.col("origin"),
        terminal_raw=pl.col("terminal"),
    )
    service = trains.with_columns(start_date=pl.col("started"))
    counted, boarding = _counted(day, trains, stops)
    days = days.with_columns(
        trains_touching_guangdong=trains.filter(pl.col("started") == day)["train_no"].n_unique(),
        trains_boarding_guangdong=boarding,
        is_gap_day=pl.col("trains_skipping_only") >= calendar.GAP_SHARE * pl.col("trains"),
    )
    tables = {
        "rail_day": days,
        "rail_train": train,
        "rail_service": service,
        "rail_stop_time": stops,
        "rail_pair_day": _kept(counted, held["stop_times.csv"]),
    }
    return ServiceDate(tables, [*rejects, *refused, *broken])


def _counted(day: date, trains: pl.DataFrame, stops: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The pairs of the date, and the trains that depart a station on it.

    The file holds the runs that matter for the date, so the days before it are no dates of theirs.
    """
    window = Window(day - _LONGEST, day - _LONGEST, day)
    services = trains.filter(pl.col("started") >= window.first)
    train = services.unique("train_no", keep="first", maintain_order=True).select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("block"),
        "train_no",
        pl.col("codes").str.slice(0, 1).is_in(["G", "D", "C"]).alias("is_gdc"),
    )
    placed = stops.join(train.select("train_no", "block"), on="train_no").with_columns(
        pl.col("origin_minute").cast(pl.Int32)
    )
    runs = np.zeros((train.height, len(window)), dtype=bool)
    started = services.join(train.select("train_no", "block"), on="train_no").select(
        "block", day=(pl.col("started") - window.first).dt.total_days()
    )
    runs[started["block"].to_numpy(), started["day"].to_numpy()] = True
    counted = pairs.guangdong(placed, train, runs, window)
    boarded = pairs.boarding(placed, train, runs)
    return counted.filter(pl.col("service_date") == day), int(boarded[-1])

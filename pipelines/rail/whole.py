"""A timetable held whole: its trains of Guangdong, and direct trains of the nation by date.

Belongs here: from the archived files of one window to the tables of its slice. Not here: the text
formats (cr, twin), running days (calendar), the counting rule (pairs), single dates that are
embedded (timetable).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.archive.store import Snapshot
from pipelines.errors import LayoutDrift, Reject
from pipelines.rail import calendar, cr, pairs, stations, twin
from pipelines.rail.calendar import Window
from pipelines.rail.pairs import Array
from pipelines.rail.recognise import LIVE, TIMETABLES, unpacked
from pipelines.rail.timetable import ServiceDate

# The season of a daily train; what runs on fewer days has gaps for other reasons.
SEASON_DAYS = 15


@dataclass(frozen=True)
class Reference:
    """What a timetable is read against: rail_station, rail_city and rail_day_type of the lake."""

    stations: pl.DataFrame
    cities: pl.DataFrame
    day_types: pl.DataFrame


def window_of(sources: Path, timetable: str, edition: str) -> Window:
    """The window of a timetable held whole: as registered, or as a live snapshot's edition says."""
    if timetable == LIVE:
        first, _, last = edition.partition("_")
        return Window(*map(date.fromisoformat, (first, first, last)))
    return registered(sources, timetable)


def registered(sources: Path, timetable: str) -> Window:
    """The window of a timetable; LayoutDrift when `timetables.csv` does not name it."""
    with (sources / TIMETABLES).open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            if row["timetable"] == timetable:
                names = ("base_date", "window_first", "window_last")
                return Window(*(date.fromisoformat(row[name]) for name in names))
    raise LayoutDrift(f"{timetable} is not in sources/{TIMETABLES}: add its base date and window")


class _Labels:
    """Where rows and rejects of a slice come from. trains, stops: the files that hold them."""

    def __init__(self, slice_: str, trains: Snapshot, stops: Snapshot) -> None:
        self.slice, self.trains, self.stops = slice_, trains, stops

    def kept(self, frame: pl.DataFrame, held: Snapshot) -> pl.DataFrame:
        """The frame with timetable, edition and provenance; its column `line` becomes a locator."""
        locator = pl.concat_str(pl.lit("L"), "line") if "line" in frame.columns else pl.lit(None)
        return frame.with_columns(
            timetable=pl.lit(held.document),
            edition=pl.lit(held.edition),
            snapshot_id=pl.lit(held.snapshot_id),
            read_from=pl.lit(held.file),
            read_sha256=pl.lit(held.sha256[:12]),
            locator=locator,
            read_locator=locator,
        )

    def reject(self, held: Snapshot, line: int, raw: str, expected: str, reason: str) -> Reject:
        # An archive of others cannot be mended by who drops it: it is a warning, not an error.
        return Reject(
            held.snapshot_id, f"L{line}", held.file, "rail_stop_time", self.slice, raw, expected,
            raw[:60], "", reason, "warning",
        )  # fmt: skip


def read_window(
    slice_: str, snapshots: tuple[Snapshot, ...], window: Window, known: Reference
) -> ServiceDate:
    """The tables of one timetable, and what could not be used (severity warning).

    LayoutDrift: one of the two files of an older timetable is missing.
    """
    timetable, labels = _parsed(slice_, snapshots)
    trains, runs, unreadable = running(timetable.trains, window)
    meaning = stations.resolve(
        timetable.stops["stop_raw"], known.stations, window.first, window.last
    )
    cities = known.cities.select("city_code_12306", "place_code")
    stops = timetable.stops.join(
        meaning.drop("place_code").join(cities, on="city_code_12306", how="left"), on="stop_raw"
    )
    placed = stops.filter(pl.col("place_code").is_not_null())
    ours = placed.filter(pl.col("place_code").str.starts_with(stations.GUANGDONG))
    days = _days(trains, runs, window, timetable.stops["block"], ours)
    nation = pairs.count(placed, trains, runs, window).frame
    tables = {
        "rail_day": labels.kept(days, labels.trains),
        **_guangdong(timetable.stops, ours, trains, runs, window, labels),
        "rail_pair_day": labels.kept(pairs.guangdong(ours, trains, runs, window), labels.stops),
        "rail_city_pair_day_national": _national(nation, days, known.day_types, labels),
    }
    rejects = [
        *_damaged(timetable.flaws, labels),
        *_unusable(unreadable, labels),
        *_without_place(stops.filter(pl.col("place_code").is_null()), labels),
    ]
    return ServiceDate(tables, rejects)


def _parsed(slice_: str, snapshots: tuple[Snapshot, ...]) -> tuple[cr.Timetable, _Labels]:
    held = {snapshot.reader: snapshot for snapshot in snapshots}
    if "cr" in held:
        one = held["cr"]
        read = cr.read(unpacked(one.path, one.file))
        flaws = read.flaws.with_columns(file=pl.lit("cr"))
        return cr.Timetable(read.trains, read.stops, flaws), _Labels(slice_, one, one)
    if missing := {"time", "train"} - held.keys():
        found = ", ".join(sorted(snapshot.file for snapshot in snapshots))
        raise LayoutDrift(
            f"slice {slice_}: a timetable of this age is two files, time… with stops and train… "
            f"with trains; {' and '.join(sorted(missing))} is missing, found {found}"
        )
    read = twin.read(*(unpacked(held[name].path, held[name].file) for name in ("time", "train")))
    return read, _Labels(slice_, held["train"], held["time"])


def running(trains: pl.DataFrame, window: Window) -> tuple[pl.DataFrame, Array, pl.DataFrame]:
    """Trains that run in the window, their rows of days, and those that cannot be used, with a
    `reason`: days that cannot be read, a train_no that an earlier line has."""
    masks = calendar.readable_masks(trains["calendar"], window)
    reason = pl.coalesce(
        pl.when(~pl.col("train_no").is_first_distinct()).then(pl.lit("the train is listed twice")),
        pl.when(~pl.col("calendar").is_in(list(masks))).then(
            pl.lit("running days that cannot be read")
        ),
    )
    judged = trains.sort("line").with_columns(reason=reason)
    good = judged.filter(pl.col("reason").is_null()).drop("reason")
    bad = judged.filter(pl.col("reason").is_not_null())
    number = {expression: n for n, expression in enumerate(masks)}
    which = good["calendar"].replace_strict(number, return_dtype=pl.Int32).to_numpy()
    days = calendar.day_matrix(list(masks.values()), window)
    letter = pl.col("code").str.slice(0, 1)
    good = good.with_columns(
        train_class=pl.when(letter.str.contains("[A-Z]")).then(letter).otherwise(pl.lit("number")),
        is_gdc=letter.is_in(["G", "D", "C"]),
    )
    runs = days[which] if good.height else np.zeros((0, len(window)), dtype=bool)
    # An archive names some trains whose days all lie after its last covered date.
    in_window = runs.any(axis=1)
    return good.filter(pl.Series(in_window)), runs[in_window], bad


def single_gaps(runs: Array) -> Array:
    """Per date, the trains that run every day of their season but this one.

    The season of a train is from its first to its last running day, of which neither is a gap. A
    train of weekdays skips more than one day; what many daily trains skip is a day nobody crawled.
    """
    dates = np.arange(runs.shape[1])
    first, last = runs.argmax(axis=1), runs.shape[1] - 1 - runs[:, ::-1].argmax(axis=1)
    season = last - first + 1
    one = (runs.sum(axis=1) == season - 1) & (season >= SEASON_DAYS)
    inside = (dates >= first[one][:, None]) & (dates <= last[one][:, None])
    return (~runs[one] & inside).sum(axis=0)


def _days(
    trains: pl.DataFrame, runs: Array, window: Window, readable: pl.Series, ours: pl.DataFrame
) -> pl.DataFrame:
    """One row per date of the window with its counts; a train without stops is one of its day."""

    def has(blocks: pl.Series) -> Array:
        return trains["block"].is_in(blocks.unique().implode()).to_numpy()

    trains_of_day = runs.sum(axis=0)
    skipping = single_gaps(runs)
    lines = f"1-L{trains.select(pl.col('line').max()).item()}"
    return pl.DataFrame(
        {
            "service_date": window.days(),
            "base_date": [window.base] * len(window),
            "window_first": [window.first] * len(window),
            "window_last": [window.last] * len(window),
            "trains": trains_of_day,
            "trains_skipping_only": skipping,
            "trains_unreadable": runs[~has(readable)].sum(axis=0),
            "trains_touching_guangdong": runs[has(ours["block"])].sum(axis=0),
            "trains_boarding_guangdong": pairs.boarding(ours, trains, runs),
            "is_gap_day": skipping >= calendar.GAP_SHARE * trains_of_day,
            "line": [lines] * len(window),
        }
    )


def _guangdong(
    every: pl.DataFrame,
    ours: pl.DataFrame,
    trains: pl.DataFrame,
    runs: Array,
    window: Window,
    labels: _Labels,
) -> dict[str, pl.DataFrame]:
    """Trains that call in Guangdong, the dates they start on, their stops there."""
    calls = trains["block"].is_in(ours["block"].unique().implode())
    touching, days = trains.filter(calls), runs[calls.to_numpy()]
    ends = every.group_by("block").agg(
        pl.col("stop_raw").sort_by("stop_seq").first().alias("origin_raw"),
        pl.col("stop_raw").sort_by("stop_seq").last().alias("terminal_raw"),
        pl.col("origin_minute").first(),
        pl.col("arrive_minutes").max().alias("total_minutes"),
        pl.len().alias("stops_total"),
    )
    train = touching.join(ends, on="block").with_columns(codes=pl.col("code"))
    row, day = np.nonzero(days)
    dates = pl.Series("start_date", window.days()).gather(day.astype(np.uint32))
    service = touching.select("train_no", "line")[row].with_columns(dates)
    clock = pl.col("origin_minute")
    stop = (
        touching.select("block", "train_no")
        .join(ours, on="block")
        .with_columns(
            arrive_day=(clock + pl.col("arrive_minutes")) // 1440,
            depart_day=(clock + pl.col("depart_minutes")) // 1440,
        )
    )
    return {
        "rail_train": labels.kept(train, labels.trains),
        "rail_service": labels.kept(service, labels.trains),
        "rail_stop_time": labels.kept(stop, labels.stops),
    }


def _national(
    nation: pl.DataFrame, days: pl.DataFrame, day_types: pl.DataFrame, labels: _Labels
) -> pl.DataFrame:
    kinds = days.select("service_date", "is_gap_day").join(
        day_types.select("service_date", "day_type"), on="service_date", how="left"
    )
    return nation.join(kinds, on="service_date", how="left", maintain_order="left").with_columns(
        timetable=pl.lit(labels.stops.document), snapshot_id=pl.lit(labels.stops.snapshot_id)
    )


# ------------------------------------------------------------------------------ what is left over


def _damaged(flaws: pl.DataFrame, labels: _Labels) -> list[Reject]:
    expected = "a line of the archive's format (sources/rail/README.md)"
    return [
        labels.reject(labels.trains if file == "train" else labels.stops, line, raw, expected, why)
        for line, raw, why, file in flaws.select("line", "raw", "reason", "file").iter_rows()
    ]


def _unusable(trains: pl.DataFrame, labels: _Labels) -> list[Reject]:
    expected = "a train_no once, with running days of pipelines/rail/calendar.py"
    rows = trains.select("line", "train_no", "calendar", "reason").iter_rows()
    return [
        labels.reject(labels.trains, line, f"{train_no},{days}", expected, reason)
        for line, train_no, days, reason in rows
    ]


def _without_place(stops: pl.DataFrame, labels: _Labels) -> list[Reject]:
    """One reject per stop that no station table files under a city: no pair counts it."""
    listed = stops.group_by("stop_raw").agg(pl.col("line").min(), pl.len()).sort("line")
    return [
        labels.reject(
            labels.stops, line, raw, "a telecode or name of sources/rail/stations.csv with a city",
            f"stop in no city, {count} times",
        )
        for raw, line, count in listed.iter_rows()
    ]  # fmt: skip

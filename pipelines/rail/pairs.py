"""Direct trains between places, for every date of a timetable at once.

Belongs here: the counting rule of the railway (architecture, section 4, rule 9) over any set of
stops that have a place. Not here: which station lies in which place (stations), running days
(calendar), names and types of days.

The rule: a train counts once from A to B on a date if it departs any station of A on that date and
later calls at any station of B, however many stations of either it serves; trains that started on
earlier days count. A train that could be boarded in A on two runs of one date still counts once.

How it is fast: what a train offers between two places does not change from day to day, only whether
it runs. So the stops are paired once per train, and the days are columns: one row per train and
pair, one column per date, and count, first, last, fastest and median are operations on blocks of
that matrix. Nothing is ever listed train by train and day by day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from pipelines.errors import LayoutDrift
from pipelines.rail.calendar import Window

# Cells of the matrix worked on at a time: small enough for the cache and for two workers.
CHUNK_CELLS = 1 << 20
WORKERS = 2
# One bit for each station of a place.
MOST_STATIONS = 63
_LATE = np.int16(32767)
SCHEMA = {
    "service_date": pl.Date,
    "origin_code": pl.String,
    "destination_code": pl.String,
    "direct_trains": pl.Int32,
    "gdc_trains": pl.Int32,
    "first_departure_minute": pl.Int32,
    "last_departure_minute": pl.Int32,
    "fastest_minutes": pl.Int32,
    "median_minutes": pl.Float64,
    "origin_stations": pl.Int32,
    "destination_stations": pl.Int32,
}
# Which stations they are: bit n stands for station n of the place (`Counted.stations`).
BITS = {"origin_bits": pl.UInt64, "destination_bits": pl.UInt64}
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Counted:
    """Direct trains by date and ordered pair of places.

    frame: the columns of `SCHEMA` and, if asked for, of `BITS`; sorted by its first three columns.
    stations: place_code, station, number.
    """

    frame: pl.DataFrame
    stations: pl.DataFrame

    def station_names(self, end: str) -> pl.Series:
        """The stations of each row at that `end` (origin, destination), parted by ;."""
        code, bits = f"{end}_code", f"{end}_bits"
        # Some hundred sets of stations serve a hundred thousand rows.
        distinct = self.frame.select(code, bits).unique()
        named = (
            distinct.join(self.stations, left_on=code, right_on="place_code")
            .filter(pl.col(bits) // pl.lit(2, pl.UInt64).pow("number").cast(pl.UInt64) % 2 == 1)
            .sort(code, bits, "station")
            .group_by(code, bits)
            .agg(pl.col("station").str.join(";").alias("names"))
        )
        return self.frame.join(named, on=[code, bits], how="left", maintain_order="left")["names"]


def count(
    stops: pl.DataFrame,
    trains: pl.DataFrame,
    runs: Array,
    window: Window,
    with_bits: bool = False,
) -> Counted:
    """Count every date and ordered pair of places that has a train.

    stops: block, stop_seq, place_code, station (any id), arrive_minutes, depart_minutes,
        origin_minute. A stop without a place is left out by the caller.
    trains: block, is_gdc; row n runs on the dates where `runs[n]` is True.
    runs: one row per train, one column per date of the window.
    LayoutDrift: a place has more stations than a word has bits.
    """
    places = sorted(stops["place_code"].unique())
    schema = SCHEMA | (BITS if with_bits else {})
    stations = _numbered(stops)
    offers = _offers(stops, stations, places)
    # Stop lists with a pair that can be boarded before and after a midnight.
    twice = offers.filter(pl.struct("block", "origin", "destination").is_duplicated())["block"]
    units, blocks = _units(trains, runs, twice.unique())
    rows = offers.join(blocks, on="block")
    if rows.is_empty():
        return Counted(pl.DataFrame(schema=schema), stations)
    rows, active = _active(rows, units)
    rows = rows.sort("origin", "destination", "minutes", "first", "row")
    with ThreadPoolExecutor(WORKERS) as pool:
        parts = list(
            pool.map(lambda chunk: _aggregate(chunk, active, with_bits), _chunks(rows, len(window)))
        )
    return Counted(_frame(parts, places, window, schema), stations)


def _numbered(stops: pl.DataFrame) -> pl.DataFrame:
    """place_code, station, number of the station in its place."""
    station = stops.select("place_code", "station").unique().sort("place_code", "station")
    station = station.with_columns(pl.int_range(pl.len()).over("place_code").alias("number"))
    if (most := station["number"].max()) is not None and most >= MOST_STATIONS:  # type: ignore[operator]
        crowded = station.filter(pl.col("number") == most)["place_code"][0]
        raise LayoutDrift(f"{crowded} has more than {MOST_STATIONS} stations; widen the words")
    return station


def _offers(stops: pl.DataFrame, stations: pl.DataFrame, places: list[str]) -> pl.DataFrame:
    """What each stop list offers: block, origin, destination, day of departure, minutes, bits."""
    bit = pl.lit(2, pl.UInt64).pow("number").cast(pl.UInt64).alias("bit")
    numbered = stops.join(stations.with_columns(bit), on=["place_code", "station"]).select(
        "block",
        pl.col("place_code")
        .replace_strict(places, range(len(places)), return_dtype=pl.Int32)
        .alias("place"),
        pl.col("stop_seq").cast(pl.Int32),
        "arrive_minutes",
        "depart_minutes",
        "origin_minute",
        "bit",
    )
    departure = numbered.filter(pl.col("depart_minutes").is_not_null())
    clock = pl.col("origin_minute") + pl.col("depart_minutes")
    return (
        departure.select(
            "block",
            pl.col("place").alias("origin"),
            pl.col("stop_seq").alias("seq"),
            pl.col("depart_minutes").alias("left"),
            (clock // 1440).cast(pl.Int32).alias("day"),
            (clock % 1440).cast(pl.Int16).alias("minute"),
            pl.col("bit").alias("origin_bit"),
        )
        .join(
            numbered.select(
                "block",
                pl.col("place").alias("destination"),
                pl.col("stop_seq").alias("later"),
                "arrive_minutes",
                pl.col("bit").alias("destination_bit"),
            ),
            on="block",
        )
        .filter((pl.col("later") > pl.col("seq")) & (pl.col("origin") != pl.col("destination")))
        .group_by("block", "origin", "destination", "day")
        .agg(
            pl.col("minute").min().alias("first"),
            pl.col("minute").max().alias("last"),
            (pl.col("arrive_minutes") - pl.col("left")).min().cast(pl.Int16).alias("minutes"),
            pl.col("origin_bit").bitwise_or().alias("origin_bits"),
            pl.col("destination_bit").bitwise_or().alias("destination_bits"),
        )
    )


def _units(trains: pl.DataFrame, runs: Array, twice: pl.Series) -> tuple[Array, pl.DataFrame]:
    """Rows of running days and the stop list each belongs to.

    Trains that share a stop list and never run on the same day are one row: an archive gives each
    of a train's seasons a train_no of its own. Not so where a pair can be boarded on two days of
    one run: today's run and yesterday's may then be two trains.
    """
    order = trains.with_row_index("row").sort("block", "is_gdc", "row")
    sorted_runs = runs[order["row"].to_numpy()]
    if order.is_empty():
        return sorted_runs, order.select("block", "is_gdc", pl.lit(0, pl.Int32).alias("unit"))
    heads = order.select(
        (
            (pl.col("block") != pl.col("block").shift())
            | (pl.col("is_gdc") != pl.col("is_gdc").shift())
        )
        .fill_null(True)
        .alias("head")
    )["head"].to_numpy()
    starts = np.flatnonzero(heads)
    group = np.cumsum(heads) - 1
    together = np.add.reduceat(sorted_runs.astype(np.int16), starts, axis=0)
    apart_lists = order["block"].is_in(twice.implode()).to_numpy()[starts]
    alone = (together.max(axis=1) <= 1) & ~apart_lists
    apart = ~alone[group]
    units = np.concatenate([together[alone].astype(bool), sorted_runs[apart]])
    first = order[starts[alone]].select("block", "is_gdc")
    rest = order.filter(pl.Series(apart)).select("block", "is_gdc")
    blocks = pl.concat([first, rest]).with_columns(
        pl.int_range(pl.len(), dtype=pl.Int32).alias("unit")
    )
    return units, blocks


def _active(rows: pl.DataFrame, units: Array) -> tuple[pl.DataFrame, Array]:
    """The rows with the number of their line in the returned matrix of dates of departure."""
    last_day = int(rows["day"].max())  # type: ignore[arg-type]
    dates = units.shape[1]
    shifted = np.zeros((last_day + 1, *units.shape), dtype=bool)
    for day in range(min(last_day + 1, dates)):
        # A train that started before the window belongs to the timetable before this one.
        shifted[day, :, day:] = units[:, : dates - day]
    active = shifted.reshape(-1, dates)
    rows = rows.with_columns((pl.col("day") * len(units) + pl.col("unit")).alias("row"))
    key = ["unit", "origin", "destination"]
    crowded = pl.struct(key).is_duplicated()
    several = rows.filter(crowded).sort(*key, "day")
    if several.is_empty():
        return rows, active
    extra, lines = _boarded_together(several, active)
    extra = extra.with_columns(
        pl.int_range(len(active), len(active) + len(lines), dtype=pl.Int32).alias("row")
    )
    return (
        pl.concat([rows.filter(~crowded), extra.select(rows.columns)]),
        np.concatenate([active, lines]),
    )


def _boarded_together(several: pl.DataFrame, active: Array) -> tuple[pl.DataFrame, Array]:
    """One row per set of runs of a train that can be boarded on one date, with its dates.

    A train that serves A before and after midnight has, every day, a run of today and one of
    yesterday in A: on those dates it is one train with the times of both.
    """
    column = {name: several[name].to_numpy() for name in several.columns}
    key = np.stack([column[name] for name in ("unit", "origin", "destination")], axis=1)
    starts = np.flatnonzero(np.concatenate([[True], (key[1:] != key[:-1]).any(axis=1)]))
    picked: list[int] = []
    rows: list[tuple[int, int, int, int, int]] = []
    lines = []
    for low, high in zip(starts, np.append(starts[1:], len(key)), strict=True):
        on = active[column["row"][low:high]]
        which = (1 << np.arange(high - low)) @ on
        for chosen in np.unique(which[which > 0]):
            members = low + np.flatnonzero(int(chosen) >> np.arange(high - low) & 1)
            picked.append(int(low))
            rows.append(
                (
                    column["first"][members].min(),
                    column["last"][members].max(),
                    column["minutes"][members].min(),
                    np.bitwise_or.reduce(column["origin_bits"][members]),
                    np.bitwise_or.reduce(column["destination_bits"][members]),
                )
            )
            lines.append(which == chosen)
    names = ("first", "last", "minutes", "origin_bits", "destination_bits")
    values = {
        name: pl.Series(name, [row[n] for row in rows], dtype=several.schema[name])
        for n, name in enumerate(names)
    }
    dates = active.shape[1]
    return (
        several[picked].with_columns(**values),
        np.array(lines, dtype=bool).reshape(-1, dates),
    )


def _chunks(rows: pl.DataFrame, dates: int) -> Iterator[dict[str, Array]]:
    """The rows as arrays, cut between pairs. starts: where each pair begins in the chunk."""
    arrays = {name: rows[name].to_numpy() for name in rows.columns}
    pair = arrays["origin"].astype(np.int64) << 32 | arrays["destination"]
    starts = np.flatnonzero(np.concatenate([[True], pair[1:] != pair[:-1]]))
    ends = np.append(starts[1:], len(pair))
    most = max(CHUNK_CELLS // dates, 1)
    begin = 0
    while begin < len(starts):
        low = starts[begin]
        stop = max(int(np.searchsorted(ends, low + most, side="right")), begin + 1)
        high = ends[stop - 1]
        chunk = {name: column[low:high] for name, column in arrays.items()}
        yield chunk | {"starts": starts[begin:stop] - low}
        begin = stop


def _aggregate(chunk: dict[str, Array], active: Array, with_bits: bool) -> dict[str, Array]:
    """Count and times of every pair and date of a chunk that has a train."""
    starts = chunk["starts"]
    on = active[chunk["row"]]
    size = np.diff(np.append(starts, len(on)))

    def over(ufunc: np.ufunc, column: Array, absent: Any) -> Array:
        values = np.where(on, column[:, None], column.dtype.type(absent))
        return ufunc.reduceat(values, starts, axis=0)

    running = np.cumsum(on, axis=0, dtype=np.int32)
    before = running[starts] - on[starts]
    trains = running[starts + size - 1] - before
    held = trains > 0
    # Rows of a pair stand in the order of their minutes: the k-th running one is the k-th shortest.
    rank = (running - np.repeat(before, size, axis=0)) * on

    def kth(k: Array) -> Array:
        hit = rank == np.repeat(k, size, axis=0)
        return np.add.reduceat(
            np.where(hit, chunk["minutes"][:, None], np.int16(0)), starts, axis=0
        )

    # Nothing runs where k would be 0, and rank 0 there means "not running".
    low = kth(np.where(held, (trains + 1) // 2, -1))
    high = kth(np.where(held, trains // 2 + 1, -1))
    fast = kth(np.where(held, 1, -1))
    which, date = np.nonzero(held)
    gdc = np.add.reduceat((on & chunk["is_gdc"][:, None]).astype(np.int32), starts, axis=0)
    origin_bits = over(np.bitwise_or, chunk["origin_bits"], 0)
    destination_bits = over(np.bitwise_or, chunk["destination_bits"], 0)
    found = {
        "date": date.astype(np.int16),
        "origin": chunk["origin"][starts][which].astype(np.int16),
        "destination": chunk["destination"][starts][which].astype(np.int16),
        "direct_trains": trains[held],
        "gdc_trains": gdc[held],
        "first_departure_minute": over(np.minimum, chunk["first"], _LATE)[held],
        "last_departure_minute": over(np.maximum, chunk["last"], -1)[held],
        "fastest_minutes": fast[held],
        "median_minutes": (low[held].astype(np.int32) + high[held]) / 2,
        "origin_stations": np.bitwise_count(origin_bits)[held],
        "destination_stations": np.bitwise_count(destination_bits)[held],
    }
    if with_bits:
        found |= {
            "origin_bits": origin_bits[held], "destination_bits": destination_bits[held],
        }  # fmt: skip
    return found


def _frame(
    parts: list[dict[str, Array]],
    places: list[str],
    window: Window,
    schema: Mapping[str, Any],
) -> pl.DataFrame:
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    # Pairs are in order already, so a stable sort by date gives the order of the table.
    order = np.argsort(columns["date"], kind="stable")
    names = pl.Series(places, dtype=pl.String)
    days = pl.Series([window.first + timedelta(days=n) for n in range(len(window))])
    found: dict[str, Any] = {
        "service_date": days.gather(columns.pop("date")[order].astype(np.uint32)),
        "origin_code": names.gather(columns.pop("origin")[order].astype(np.uint32)),
        "destination_code": names.gather(columns.pop("destination")[order].astype(np.uint32)),
    }
    while columns:
        name, column = columns.popitem()
        found[name] = pl.Series(name, column[order])
    return pl.DataFrame(found).select(pl.col(name).cast(kind) for name, kind in schema.items())


def boarding(stops: pl.DataFrame, trains: pl.DataFrame, runs: Array) -> Array:
    """Per date, the distinct trains that depart one of the stops on it."""
    days = (
        stops.filter(pl.col("depart_minutes").is_not_null())
        .select("block", day=(pl.col("origin_minute") + pl.col("depart_minutes")) // 1440)
        .unique()
        .join(trains.select("block").with_row_index("row"), on="block")
    )
    boarded = np.zeros_like(runs)
    dates = runs.shape[1]
    for day, rows in days.group_by("day"):
        back, index = int(day[0]), rows["row"].to_numpy()
        if back < dates:
            boarded[index, back:] |= runs[index, : dates - back]
    return boarded.sum(axis=0)


def guangdong(
    stops: pl.DataFrame, trains: pl.DataFrame, runs: Array, window: Window
) -> pl.DataFrame:
    """Direct trains between the cities of Guangdong, and between its county units and cities.

    stops: as `pairs.count` wants them, with county_code and the name of the station. A county unit
    is counted only where every station of its city that is served has one; the other end is a
    county unit or a whole city that has none counted.
    """
    cities = count(stops, trains, runs, window, with_bits=True)
    whole = stops.group_by("place_code").agg(
        pl.col("county_code").is_not_null().all().alias("known")
    )
    split = whole.filter("known")["place_code"].to_list()
    counties = count(
        stops.with_columns(
            pl.when(pl.col("place_code").is_in(split))
            .then("county_code")
            .otherwise("place_code")
            .alias("place_code")
        ),
        trains, runs, window, with_bits=True,
    )  # fmt: skip
    return pl.concat(
        [
            _with_names(cities).with_columns(place_level=pl.lit("prefecture")),
            _with_names(counties)
            .filter(
                ~(
                    pl.col("origin_code").str.ends_with("00")
                    & pl.col("destination_code").str.ends_with("00")
                )
            )
            .with_columns(place_level=pl.lit("county")),
        ]
    )


def _with_names(counted: Counted) -> pl.DataFrame:
    return counted.frame.drop(*BITS).with_columns(
        counted.station_names("origin").alias("origin_station_names"),
        counted.station_names("destination").alias("destination_station_names"),
    )

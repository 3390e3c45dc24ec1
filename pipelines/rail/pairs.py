"""Direct trains between places, for every date of a timetable at once.

Belongs here: the counting rule of the railway (architecture, section 4, rule 9) over any set of
stops that have a place. Not here: which station lies in which place (stations), running days
(calendar), names and types of days.

The rule: a train counts once from A to B on a date if it departs any station of A on that date and
later calls at any station of B, however many stations of either it serves; trains that started on
earlier days count. A train that could be boarded in A on two runs of one date still counts once.

How it is fast: what a train offers between two places does not change from day to day, only whether
it runs, and most run on both of two days. So the stops are paired once per stop list, a pair of
places is counted on a date only if other trains of it run than the day before (its *state*
changes), and a state is then copied to every date on which it holds. Nothing is ever listed train
by train and day by day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pipelines.errors import LayoutDrift
from pipelines.rail.calendar import Window

# One bit for each station of a place.
MOST_STATIONS = 63
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
    offers = _offers(_rides(stops, stations, places))
    units, blocks = _units(trains, runs, offers.filter("again")["block"].unique())
    rows = offers.join(blocks, on="block")
    if rows.is_empty():
        return Counted(pl.DataFrame(schema=schema), stations)
    states, held = _states(*_active(rows, units))
    return Counted(_frame(states, held, places, window, schema), stations)


def _numbered(stops: pl.DataFrame) -> pl.DataFrame:
    """place_code, station, number of the station in its place."""
    station = stops.select("place_code", "station").unique().sort("place_code", "station")
    station = station.with_columns(pl.int_range(pl.len()).over("place_code").alias("number"))
    if (most := station["number"].max()) is not None and most >= MOST_STATIONS:  # type: ignore[operator]
        crowded = station.filter(pl.col("number") == most)["place_code"][0]
        raise LayoutDrift(f"{crowded} has more than {MOST_STATIONS} stations; widen the words")
    return station


def _rides(stops: pl.DataFrame, stations: pl.DataFrame, places: list[str]) -> pl.DataFrame:
    """Every departure of a stop list with every later arrival in another place."""
    bit = pl.lit(2, pl.UInt64).pow("number").cast(pl.UInt64).alias("bit")
    place = pl.col("place_code").cast(pl.Enum(places)).to_physical().cast(pl.Int32)
    clock = pl.col("origin_minute") + pl.col("depart_minutes")
    minute = (clock % 1440).cast(pl.Int16)
    calls = stops.join(stations.with_columns(bit), on=["place_code", "station"])
    calls = calls.sort("block", "stop_seq")
    departures = calls.select(
        "block", "depart_minutes", origin=place, day=(clock // 1440).cast(pl.Int32),
        first=minute, last=minute, origin_bits="bit",
    )  # fmt: skip
    arrivals = calls.select("arrive_minutes", destination=place, destination_bits="bit")
    stop = np.arange(len(calls))
    block = calls["block"].to_numpy()
    later = np.searchsorted(block, block, side="right") - stop - 1
    left = np.repeat(stop, later)
    reached = left + 1 + np.arange(len(left)) - np.repeat(np.cumsum(later) - later, later)
    rides = pl.concat([departures[left], arrivals[reached]], how="horizontal")
    minutes = (pl.col("arrive_minutes") - pl.col("depart_minutes")).cast(pl.Int16)
    return rides.with_columns(minutes=minutes).filter(
        pl.col("origin") != pl.col("destination"), pl.col("minutes").is_not_null()
    )


def _offers(rides: pl.DataFrame) -> pl.DataFrame:
    """What each stop list offers: block, origin, destination, day of departure, and its best.

    again: whether the list offers the pair on another day too.
    """
    column = _columns(rides)
    key = _key(column, "block", "origin", "destination", "day")
    order = np.argsort(key, kind="stable")
    begins, _ = _equal(key[order])
    offered = _columns(rides.select("block", "origin", "destination", "day")[order[begins]])
    _, days = _equal(_key(offered, "block", "origin", "destination"))
    again = np.repeat(days > 1, days)
    return pl.DataFrame(offered | _best(column, order, begins) | {"again": again})


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
    starts, size = _equal(_key(_columns(order.select("block", "is_gdc")), "block", "is_gdc"))
    group = np.repeat(np.arange(len(starts)), size)
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
    together, lines = _boarded_together(rows.filter("again"), active)
    together = together.with_columns(
        pl.int_range(len(active), len(active) + len(lines), dtype=pl.Int32).alias("row")
    )
    rows = pl.concat([rows.filter(~pl.col("again")), together.select(rows.columns)])
    return rows, np.concatenate([active, lines])


def _boarded_together(several: pl.DataFrame, active: Array) -> tuple[pl.DataFrame, Array]:
    """One row per set of runs of a train that can be boarded on one date, with its dates.

    A train that serves A before and after midnight has, every day, a run of today and one of
    yesterday in A: on those dates it is one train with the times of both.
    """
    several = several.sort("unit", "origin", "destination", "day")
    column = _columns(several)
    begins, days = _equal(_key(column, "unit", "origin", "destination"))
    found, lines = [several.clear()], [active[:0]]
    for count in np.unique(days):
        runs = begins[days == count][:, None] + np.arange(count)
        bits = 1 << np.arange(count)
        boarded = (active[column["row"][runs]] * bits[:, None]).sum(axis=1)
        for chosen in range(1, 1 << count):
            line = boarded == chosen
            held = line.any(axis=1)
            members = runs[held][:, (chosen & bits) > 0]
            best = _best(column, members.ravel(), np.arange(0, members.size, members.shape[1]))
            found.append(
                several[members[:, 0]].with_columns(
                    pl.Series(name, values) for name, values in best.items()
                )
            )
            lines.append(line[held])
    return pl.concat(found), np.concatenate(lines)


def _states(rows: pl.DataFrame, active: Array) -> tuple[dict[str, Array], Array]:
    """The states of every pair, and per date and pair the number of the state that holds, -1 where
    no train runs."""
    column = _columns(rows)
    # The trains of a pair by their minutes, for the median.
    order = np.argsort(_key(column, "origin", "destination", "minutes"), kind="stable")
    column = {name: values[order] for name, values in column.items()}
    starts, size = _equal(_key(column, "origin", "destination"))
    pair = np.repeat(np.arange(len(starts), dtype=np.int32), size)
    line = column["row"].astype(np.intp)
    changed = _changed(active, line, starts)
    held = np.full(changed.shape, -1, dtype=np.int32)
    found: list[dict[str, Array]] = []
    states = 0
    for date, runs in enumerate(active.T.copy()):
        if date:
            held[date] = held[date - 1]
        held[date, changed[date]] = -1
        on = np.flatnonzero(runs[line] & np.repeat(changed[date], size))
        begins, trains = _equal(pair[on])
        held[date, pair[on[begins]]] = np.arange(states, states + len(begins), dtype=np.int32)
        states += len(begins)
        found.append(_summary(column, on, begins, trains))
    return {name: np.concatenate([part[name] for part in found]) for name in found[0]}, held


def _changed(active: Array, line: Array, starts: Array) -> Array:
    """Per date and pair, whether other trains of it run than the day before; none ran before all.

    line: the line of `active` of each row; starts: where the rows of each pair begin.
    """
    flips = np.packbits(np.diff(active, axis=1, prepend=False), axis=1)
    of_pair = np.bitwise_or.reduceat(flips[line], starts, axis=0)
    return np.unpackbits(of_pair, axis=1, count=active.shape[1]).astype(bool).T.copy()


def _summary(column: dict[str, Array], on: Array, begins: Array, trains: Array) -> dict[str, Array]:
    """Count and times of pairs from the rows `on`, those of the trains that run.

    begins, trains: where in `on` each pair begins, and how many rows it has there.
    """
    minutes = column["minutes"][on].astype(np.int32)
    middle = minutes[begins + (trains - 1) // 2] + minutes[begins + trains // 2]
    best = _best(column, on, begins)
    return {
        "origin": column["origin"][on[begins]],
        "destination": column["destination"][on[begins]],
        "direct_trains": trains,
        "gdc_trains": np.add.reduceat(column["is_gdc"][on], begins, dtype=np.int32),
        "first_departure_minute": best["first"],
        "last_departure_minute": best["last"],
        "fastest_minutes": best["minutes"],
        "median_minutes": middle / 2,
        "origin_stations": np.bitwise_count(best["origin_bits"]),
        "destination_stations": np.bitwise_count(best["destination_bits"]),
        "origin_bits": best["origin_bits"],
        "destination_bits": best["destination_bits"],
    }


def _frame(
    states: dict[str, Array],
    held: Array,
    places: list[str],
    window: Window,
    schema: Mapping[str, Any],
) -> pl.DataFrame:
    """The states as a table, each on every date on which it holds."""
    names = pl.Series(places, dtype=pl.String)
    table = pl.DataFrame(states).with_columns(
        names.gather(states["origin"]).alias("origin_code"),
        names.gather(states["destination"]).alias("destination_code"),
    )
    dates = pl.Series("service_date", window.days(), dtype=pl.Date)
    table = table.select(pl.col(n).cast(kind) for n, kind in schema.items() if n != dates.name)
    runs = held >= 0
    date = np.repeat(np.arange(len(window), dtype=np.uint32), runs.sum(axis=1))
    return table[held[runs].astype(np.uint32)].insert_column(0, dates.gather(date))


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


# ---------------------------------------------------------------------------- columns as arrays

# What a train offers between two places by its best: the ufunc of each column.
BEST = {
    "first": np.minimum,
    "last": np.maximum,
    "minutes": np.minimum,
    "origin_bits": np.bitwise_or,
    "destination_bits": np.bitwise_or,
}


def _columns(frame: pl.DataFrame) -> dict[str, Array]:
    return {name: frame[name].to_numpy() for name in frame.columns}


def _key(column: dict[str, Array], *names: str) -> Array:
    """One number for each combination of the columns, in their order."""
    sizes = [int(column[name].max(initial=0)) + 1 for name in names]
    return np.ravel_multi_index([column[name].astype(np.int64) for name in names], sizes)


def _equal(values: Array) -> tuple[Array, Array]:
    """Where runs of equal values begin, and how long they are. values: none below 0."""
    begins = np.flatnonzero(np.diff(values, prepend=-1))
    return begins, np.diff(begins, append=len(values))


def _best(column: dict[str, Array], rows: Array, begins: Array) -> dict[str, Array]:
    """The best of each group of `rows`; begins: where in `rows` each group begins."""
    return {name: ufunc.reduceat(column[name][rows], begins) for name, ufunc in BEST.items()}

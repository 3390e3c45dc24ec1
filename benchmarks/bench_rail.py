"""All direct trains of the nation by date: this project against plain scripts that do the same.

The work: from the two text files of each timetable to a Parquet file with, for every date and
ordered pair of cities, trains, G/D/C trains, first and last departure, fastest and median minutes.
The plain scripts are written with care: stops are paired once per stop list, dates are taken one at
a time so that memory stays bounded, only columns that are needed are carried. All three read the
stop lists with this project's readers, and the digest of their counts must be the same.

Needs the folder of originals (METROCIRCLE_ORIGINALS). The aim: the whole archive of some 335
service days under 60 s and under 2 GB on two cores. A round of all three takes some 150 processor
seconds; `--scale` below 1 takes the shortest timetable alone.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import polars as pl

if __name__ == "__main__" and not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import measure

ORIGINALS = Path(os.environ.get("METROCIRCLE_ORIGINALS") or measure.ROOT.parent / "shared")
RAW = ORIGINALS / "data/rail/raw/gpx0214"
FILES = {
    "cr_timetable_220620": ("time220620.min.csv.gz", "train220620.csv.gz"),
    "cr_timetable_240410": ("cr240410.min.csv.gz",),
    "cr_timetable_240110": ("time240110.min.csv.gz", "train240110.csv.gz"),
    "cr_timetable_220110": ("time.min.20220331.csv.gz", "train.20220331.csv.gz"),
    "cr_timetable_210625": ("time.min.20211011.csv.gz", "train.20211011.csv.gz"),
}
DAYS = {"cr_timetable_220620": 22, "cr_timetable_240410": 31, "cr_timetable_240110": 64,
        "cr_timetable_220110": 95, "cr_timetable_210625": 123}  # fmt: skip

# What the three share: files to stops with a place and trains with their days.
COMMON = """
import sys
from pathlib import Path
import numpy as np
import polars as pl
from pipelines.rail import cr, pairs, stations, twin, whole
from pipelines.rail.recognise import unpacked
from pipelines.settings import Settings
from benchmarks.bench_rail import FILES, RAW
sources = Settings().sources
table = stations.read_stations(sources, lambda file: "s")[0]
cities = stations.read_cities(sources, lambda file: "s")[0].select("city_code_12306", "place_code")
def load(name):
    texts = [unpacked(RAW / file, file) for file in FILES[name]]
    read = cr.read(*texts) if len(texts) == 1 else twin.read(*texts)
    window = whole.registered(sources, name)
    trains, runs, _ = whole.running(read.trains, window)
    meaning = stations.resolve(read.stops["stop_raw"], table, window.first, window.last)
    stops = read.stops.join(
        meaning.drop("place_code").join(cities, on="city_code_12306"), on="stop_raw")
    return stops, trains, runs, window
"""
OURS = """
from pipelines.ahead import ahead
total = 0
def counted(name):
    return name, pairs.count(*load(name)).frame
for name, frame in ahead(map(counted, sys.argv[2:])):
    frame.write_parquet(f"{sys.argv[1]}/{name}.parquet")
    total += int(frame["direct_trains"].sum() + frame["median_minutes"].sum())
print(total)
"""
POLARS = """
total = 0
for name in sys.argv[2:]:
    stops, trains, runs, window = load(name)
    left = stops.filter(pl.col("depart_minutes").is_not_null()).select(
        "block", "stop_seq", "depart_minutes", a="place_code",
        clock=pl.col("origin_minute") + pl.col("depart_minutes"))
    ride = left.join(stops.select("block", "arrive_minutes", later="stop_seq", b="place_code"),
        on="block").filter((pl.col("later") > pl.col("stop_seq")) & (pl.col("a") != pl.col("b")))
    ride = ride.group_by("block", "a", "b", day=pl.col("clock") // 1440).agg(
        first=(pl.col("clock") % 1440).min(), last=(pl.col("clock") % 1440).max(),
        minutes=(pl.col("arrive_minutes") - pl.col("depart_minutes")).min())
    train = trains.select("block", "is_gdc", number=pl.int_range(pl.len()))
    ride = train.join(ride, on="block").drop("block")
    parts = []
    for n, date in enumerate(window.days()):
        on = [pl.DataFrame({"number": np.flatnonzero(runs[:, n - back])}).with_columns(
            day=pl.lit(back, pl.Int32)) for back in range(min(n, 7) + 1)]
        today = ride.join(pl.concat(on), on=["number", "day"])
        once = today.group_by("number", "is_gdc", "a", "b").agg(
            pl.col("first").min(), pl.col("last").max(), pl.col("minutes").min())
        parts.append(once.group_by("a", "b").agg(
            direct_trains=pl.len(), gdc_trains=pl.col("is_gdc").sum(),
            first=pl.col("first").min(), last=pl.col("last").max(),
            fastest=pl.col("minutes").min(), median_minutes=pl.col("minutes").median(),
        ).with_columns(service_date=pl.lit(date)))
    frame = pl.concat(parts).sort("service_date", "a", "b")
    frame.write_parquet(f"{sys.argv[1]}/{name}.parquet")
    total += int(frame["direct_trains"].sum() + frame["median_minutes"].sum())
print(total)
"""
PANDAS = """
import pandas as pd
total = 0
for name in sys.argv[2:]:
    stops, trains, runs, window = load(name)
    every = pd.DataFrame({c: stops[c].to_numpy() for c in (
        "block", "stop_seq", "place_code", "arrive_minutes", "depart_minutes", "origin_minute")})
    every["place"] = every["place_code"].astype("category")
    left = every[every.depart_minutes.notna()]
    left = left.assign(clock=(left.origin_minute + left.depart_minutes).astype(int))
    ride = left[["block", "stop_seq", "place", "depart_minutes", "clock"]].merge(
        every[["block", "stop_seq", "place", "arrive_minutes"]], on="block", suffixes=("", "_b"))
    ride = ride[(ride.stop_seq_b > ride.stop_seq) & (
        ride.place.cat.codes != ride.place_b.cat.codes)]
    ride = ride.assign(a=ride.place.cat.codes, b=ride.place_b.cat.codes, day=ride.clock // 1440,
        minute=ride.clock % 1440, minutes=ride.arrive_minutes - ride.depart_minutes)
    ride = ride.groupby(["block", "a", "b", "day"], sort=False).agg(
        first=("minute", "min"), last=("minute", "max"), minutes=("minutes", "min")).reset_index()
    train = pd.DataFrame({c: trains[c].to_numpy() for c in ("block", "is_gdc")} | {
        "number": np.arange(trains.height)})
    ride = train.merge(ride, on="block").drop(columns="block")
    parts = []
    for n, date in enumerate(window.days()):
        on = pd.concat([pd.DataFrame({"number": np.flatnonzero(runs[:, n - back]), "day": back})
            for back in range(min(n, 7) + 1)])
        today = ride.merge(on, on=["number", "day"])
        once = today.groupby(["number", "is_gdc", "a", "b"], sort=False).agg(
            first=("first", "min"), last=("last", "max"), minutes=("minutes", "min")).reset_index()
        frame = once.groupby(["a", "b"]).agg(direct_trains=("number", "size"),
            gdc_trains=("is_gdc", "sum"), first=("first", "min"), last=("last", "max"),
            fastest=("minutes", "min"), median_minutes=("minutes", "median")).reset_index()
        parts.append(frame.assign(service_date=date))
    frame = pd.concat(parts)
    frame.to_parquet(f"{sys.argv[1]}/{name}.parquet")
    total += int(frame.direct_trains.sum() + frame.median_minutes.sum())
print(total)
"""


def main() -> int:
    options = measure.arguments(__doc__ or "").parse_args()
    if not RAW.is_dir():
        print("no originals: set METROCIRCLE_ORIGINALS")  # noqa: T201
        return 1
    names = list(FILES) if options.scale >= 1 else list(FILES)[:1]
    days = sum(DAYS[name] for name in names)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        contenders, said = [], folder / "said.txt"
        for name, body in (
            ("this project", OURS), ("plain polars", POLARS), ("plain pandas", PANDAS),
        ):  # fmt: skip
            script = folder / f"{name.replace(' ', '_')}.py"
            told = body.replace("print(total)", f"open({str(said)!r}, 'a').write(f'{{total}}\\n')")
            script.write_text(COMMON + told, encoding="utf-8")
            contenders.append(measure.Contender(name, measure.python(script, str(folder), *names)))
        results = measure.compare(contenders, options.rounds)
        made = pl.scan_parquet(folder / "*.parquet").select(pl.len()).collect().item()
        if len(totals := set(said.read_text(encoding="utf-8").split())) != 1:
            raise RuntimeError(f"the contenders do not agree: {sorted(totals)}")
    for result in results:
        result.rows = made
    text = f"{days} service days of {len(names)} timetables, {made:,} rows of pairs and dates:\n\n"
    text += measure.table(results)
    print(text)  # noqa: T201
    if options.write:
        measure.write("rail", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

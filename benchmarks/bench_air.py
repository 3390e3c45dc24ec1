"""A synthetic national archive of station hours to annual indicators of cities.

The work: long CSV files as pm.kksk.org writes them (one a city; 1,500 sites x 8,760 hours at scale
1), each row a site and hour, to the year's means and percentiles of every city by HJ 663-2013: days
of 20 hours, 8-hour ozone, three of four stations, percentiles. Metrocircle reads the files into the
lake and builds its models, which also make the index of every day; polars and pandas are what one
would write by hand for the means and percentiles alone. `reading` parses the same files and adds up
one column: the floor. Imports and dbt cost the same whatever there is to read, so the command also
runs on an archive without a file; the difference is what the site-hours cost. The aim: limited by
reading the CSV, and under 2 GB.

The archive is made by this script, from one seed; it is no measurement of anything.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

if __name__ == "__main__" and not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import measure

SITES, CITIES, HOURS, YEAR, SEED = 1500, 340, 8760, 2019, 20190723
_STEMS = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉"
COLUMNS = "Date,Hour,WatchPoint,AQI,Level,PrimaryPollution,PM2.5,PM10,CO,NO2,O3_1h,O3_8h,SO2"


def city_names(cities: int) -> list[str]:
    return [f"{a}{b}市" for a, b in product(_STEMS, _STEMS)][:cities]


def write_archive(folder: Path, cities: int, sites: int) -> int:
    """One CSV a city, sites spread over them; the number of rows. One in fifty cells is missing."""
    moments = pl.datetime_range(
        pl.datetime(YEAR, 1, 1, 1), pl.datetime(YEAR + 1, 1, 1, 0), "1h", eager=True
    )
    random = np.random.default_rng(SEED)
    rows = 0
    for number, city in enumerate(city_names(cities)):
        own = sites // cities + (number < sites % cities)
        size = HOURS * own
        level = random.gamma(4, 9, size)
        frame = pl.DataFrame(
            {
                "Date": np.repeat(moments.dt.strftime("%Y%m%d").to_numpy(), own),
                "Hour": np.repeat(moments.dt.strftime("%H").to_numpy(), own),
                "WatchPoint": np.tile([f"站{n}" for n in range(own)], HOURS),
                "AQI": np.full(size, "NaN"),
                "Level": np.full(size, "良"),
                "PrimaryPollution": np.full(size, "NaN"),
                "PM2.5": level.round().astype(int).astype(str),
                "PM10": (level * 1.7 + 3).round().astype(int).astype(str),
                "CO": random.gamma(6, 0.15, size).round(1).astype(str),
                "NO2": random.gamma(4, 8, size).round().astype(int).astype(str),
                "O3_1h": random.gamma(3, 20, size).round().astype(int).astype(str),
                "O3_8h": random.gamma(3, 20, size).round().astype(int).astype(str),
                "SO2": random.gamma(3, 3, size).round().astype(int).astype(str),
            }
        )
        gaps = [
            pl.when(pl.Series(random.random(size) < 0.02)).then(pl.lit("NaN")).otherwise(name)
            for name in COLUMNS.split(",")[6:]
        ]
        frame.with_columns(
            gap.alias(name) for gap, name in zip(gaps, COLUMNS.split(",")[6:], strict=True)
        ).write_csv(folder / f"{city}.csv")
        rows += size
    return rows


OURS = """
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
import polars as pl
from benchmarks.bench_air import city_names
from pipelines import contract, lake, settings as s
from pipelines.archive.store import Snapshot
from pipelines.environment import cells, hours, reference
from pipelines.registry import tables as registry
from pipelines.transform import project
folder, warehouse = Path(sys.argv[1]), Path(sys.argv[2])
settings = replace(s.load(), warehouse=warehouse)
known = contract.load(settings.contract)
files = sorted(folder.glob("*.csv"))
empty = lambda name: pl.DataFrame(schema=contract.polars_schema(known.table(name)))
names = city_names(400)
cities = pl.DataFrame({"place_name_zh": names, "place_code": [f"{910001 + n}" for n in range(400)]})
division = pl.concat([empty("division"), cities.with_columns(
    pl.lit("prefecture").alias("place_level"), pl.lit(date(1990, 1, 1)).alias("valid_from"),
    pl.lit("bench").alias("snapshot_id"), pl.lit("L1").alias("locator"))], how="diagonal")
context = replace(
    cells.read_context(settings.sources, division, empty("place_alias")), divisions=division)
slice_ = "kksk_sites_hourly--2019"
snapshots = [Snapshot(f"{n:016x}", "environment", "kksk_sites_hourly", "2019", slice_, p.name,
    "0" * 64, 1, "mirror", p, "site_hours") for n, p in enumerate(files)]
frames = hours.hour_frames(snapshots, slice_, context, [])
rows = lake.write_parts(settings.lake, known.table("air_station_hour"), slice_, frames)
for name, frame in (
    ("division", division), ("air_city_day", empty("air_city_day")),
    ("bulletin_city_period", empty("bulletin_city_period")),
    ("air_breakpoint", reference.read_breakpoints(settings.sources, str)[0]),
    ("air_limit", reference.read_limits(settings.sources, str)[0]),
    ("document", registry.read_documents(settings.sources, str, known.table("document"))[0]),
):
    lake.write(settings.lake, known.table(name), "all", frame)
project.build_database(settings).parent.mkdir(parents=True, exist_ok=True)
done = project._invoke(settings, ["build", "--select", "+int_air__period_recomputed",
    "--exclude-resource-types", "unit_test", "test"])
assert done.success, project._message(done)
import duckdb
with duckdb.connect(str(project.build_database(settings)), read_only=True) as connection:
    print(rows, connection.execute("select count(*), count(pm25_ugm3), sum(pm25_ugm3), "
        "sum(o3_8h_p90_ugm3), sum(good_days) from int_air__period_recomputed "
        "where period_type = 'year' and period_start = date '2019-01-01'").fetchall())
"""

POLARS = """
import sys
from pathlib import Path
import polars as pl
frames = []
for path in sorted(Path(sys.argv[1]).glob("*.csv")):
    frames.append(pl.scan_csv(path, null_values=["NaN"], schema_overrides={"CO": pl.Float64})
        .with_columns(pl.lit(path.stem).alias("city")))
hours = pl.concat(frames).with_columns(
    pl.col("Hour").cast(pl.Int32), pl.col("Date").cast(pl.String).str.to_date("%Y%m%d"))
hours = hours.with_columns(
    pl.when(pl.col("Hour") == 0).then(pl.col("Date").dt.offset_by("-1d")).otherwise("Date")
        .alias("day"),
    pl.when(pl.col("Hour") == 0).then(24).otherwise("Hour").alias("hour"),
).sort("city", "WatchPoint", "day", "hour")
station = ["city", "WatchPoint", "day"]
means = ["PM2.5", "PM10", "SO2", "NO2", "CO"]
rolling = pl.col("O3_1h").rolling_mean(8, min_samples=6).over(station)
eight = rolling.filter(pl.col("hour") >= 8)
days = hours.with_columns(rolling.alias("eight")).group_by(station).agg(
    *(pl.when(pl.col(c).count() >= 20).then(pl.col(c).mean()).alias(c) for c in means),
    pl.when(pl.col("eight").filter(pl.col("hour") >= 8).count() >= 14)
        .then(pl.col("eight").filter(pl.col("hour") >= 8).max()).alias("O3"),
)
city = days.group_by("city", "day").agg(
    pl.when(pl.col(c).count() >= 0.75 * pl.len()).then(pl.col(c).mean().round()).alias(c)
    for c in (*means, "O3"))
year = city.group_by("city").agg(
    *(pl.col(c).mean().round() for c in means[:4]),
    pl.col("CO").quantile(0.95, "linear"), pl.col("O3").quantile(0.9, "linear").round())
print(year.collect(engine="streaming").select(pl.len(), pl.col("PM2.5").sum(), pl.col("O3").sum()))
"""

PANDAS = """
import sys
from pathlib import Path
import pandas as pd
rows = []
for path in sorted(Path(sys.argv[1]).glob("*.csv")):
    frame = pd.read_csv(path)
    frame["moment"] = pd.to_datetime(frame["Date"].astype(str), format="%Y%m%d")
    late = frame["Hour"] == 0
    frame.loc[late, "moment"] -= pd.Timedelta(days=1)
    frame.loc[late, "Hour"] = 24
    frame = frame.sort_values(["WatchPoint", "moment", "Hour"])
    keys = ["WatchPoint", "moment"]
    means = ["PM2.5", "PM10", "SO2", "NO2", "CO"]
    grouped = frame.groupby(keys)
    day = grouped[means].mean().where(grouped[means].count() >= 20)
    eight = grouped["O3_1h"].rolling(8, min_periods=6).mean().reset_index(level=[0, 1], drop=True)
    late = frame.assign(eight=eight)[frame["Hour"] >= 8].groupby(keys)["eight"]
    day["O3"] = late.max().where(late.count() >= 14)
    by_day = day.groupby("moment")
    city = by_day.mean().where(by_day.count().ge(0.75 * by_day.size(), axis=0)).round()
    rows.append([path.stem, *city[means[:4]].mean().round(), city["CO"].quantile(0.95),
        round(city["O3"].quantile(0.9))])
year = pd.DataFrame(rows, columns=["city", *means[:4], "CO", "O3"])
print(len(year), year["PM2.5"].sum(), year["O3"].sum())
"""

READING = """
import sys
from pathlib import Path
import polars as pl
print(sum(pl.read_csv(path, null_values=["NaN"], schema_overrides={"CO": pl.Float64})["CO"].sum()
    for path in sorted(Path(sys.argv[1]).glob("*.csv"))))
"""


def site_hours_alone(results: Sequence[measure.Result]) -> str:
    """What is left of ours without its fixed cost, in processor seconds, beside the others."""
    reading, ours, fixed, *peers = (statistics.median(r.processor) for r in results)
    alone = ours - fixed
    beside = ", ".join(
        f"{result.name} {seconds:.1f}" for result, seconds in zip(results[3:], peers, strict=True)
    )
    return (
        f"The site-hours alone cost us {alone:.1f} processor seconds, "
        f"{1e6 * alone / results[0].rows:.2f} microseconds each (reading {reading:.1f}, {beside})."
    )


def main() -> int:
    options = measure.arguments(__doc__ or "").parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench_air_"))
    try:
        archive, warehouse, nothing = folder / "archive", folder / "warehouse", folder / "nothing"
        archive.mkdir()
        nothing.mkdir()
        scale = options.scale
        rows = write_archive(archive, max(1, round(CITIES * scale)), max(2, round(SITES * scale)))

        def command(script: str, *given: Path) -> list[str]:
            return [sys.executable, "-c", script, *map(str, given)]

        def ours(name: str, given: Path, rows: int) -> measure.Contender:
            return measure.Contender(
                f"metrocircle: {name}",
                command(OURS, given, warehouse),
                rows,
                prepare=lambda: shutil.rmtree(warehouse, ignore_errors=True),
            )

        contenders = [
            measure.Contender("reading the CSV (polars)", command(READING, archive), rows),
            ours("lake, models, index of each day", archive, rows),
            ours("the same without a file (imports, dbt)", nothing, 0),
            measure.Contender("polars, by hand", command(POLARS, archive), rows),
            measure.Contender("pandas, by hand", command(PANDAS, archive), rows),
        ]
        results = measure.compare(contenders, options.rounds)
        text = f"Scale {scale}: {rows:,} site-hours.\n\n{measure.table(results, 'site-hours')}"
        text += f"\n\n{site_hours_alone(results)}"
        print(text)  # noqa: T201
        if options.write:
            measure.write("air", text)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

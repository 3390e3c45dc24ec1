"""A whole nation's day through the live client: the archive's timetable, served and fetched back.

Ten thousand trains are ten thousand questions: run it by hand, METROCIRCLE_TEST_NATION=1.
"""

from __future__ import annotations

import gzip
import os
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from fake_12306 import PASSING, Call, Fake12306, Train
from local_server import serving

from pipelines.archive import acquire
from pipelines.archive.fetch import Fetcher
from pipelines.rail import calendar, client, cr, whole
from pipelines.rail import stations as stations_module
from pipelines.rail.calendar import Window
from pipelines.settings import Settings

DAY = date(2024, 4, 17)
WINDOW = Window(date(2024, 4, 10), date(2024, 4, 10), date(2024, 5, 10))

pytestmark = pytest.mark.skipif(
    "METROCIRCLE_TEST_NATION" not in os.environ,
    reason="asks a server on this machine for every train of a day: set METROCIRCLE_TEST_NATION=1",
)


def held_trains(originals: Path) -> tuple[list[Train], dict[str, tuple[str, str, str]]]:
    """The trains of the day as the archive holds them, and the stations they call at."""
    folder = originals / "data" / "rail" / "raw" / "gpx0214"
    text = gzip.decompress((folder / "cr240410.min.csv.gz").read_bytes()).decode("utf-8-sig")
    stations = {}
    table = gzip.decompress((folder / "station.20240506.csv.gz").read_bytes()).decode("utf-8-sig")
    for line in table.splitlines():
        cells = line.split(",")
        stations[cells[1]] = (cells[2], cells[6], cells[7])
    names = {telecode: name for name, (telecode, *_) in stations.items()}
    timetable = cr.read(text)
    stops: dict[int, list[Call]] = {}
    for row in timetable.stops.sort("block", "stop_seq").iter_rows(named=True):
        start = row["origin_minute"]
        arrive, depart = row["arrive_minutes"], row["depart_minutes"]
        call = Call(
            names.get(row["stop_raw"], row["stop_raw"]),
            start + (depart if arrive is None else arrive),
            start + (arrive if depart is None else depart),
        )
        stops.setdefault(row["block"], []).append(call)
    today = [
        expression
        for expression in calendar.readable_masks(timetable.trains["calendar"], WINDOW)
        if DAY in calendar.running_days(expression, WINDOW)
    ]
    running = timetable.trains.filter(pl.col("calendar").is_in(today))
    trains = [
        Train(row["train_no"], tuple(row["code"].split("/")), tuple(stops[row["block"]]))
        for row in running.iter_rows(named=True)
        if row["block"] in stops
    ]
    return trains, stations


@pytest.mark.slow
def test_the_nation_of_a_day_comes_back_as_it_was_served(originals: Path, tmp_path: Path) -> None:
    trains, stations = held_trains(originals)
    fake = Fake12306(
        trains, stations, DAY - timedelta(days=3),
        faults=PASSING | {"bom", "spaced_names", "burst"}, burst=500, pause=1,
    )  # fmt: skip
    settings = Settings(warehouse=tmp_path, fetch_pace=0)
    started = time.perf_counter()
    with serving(fake) as server:
        site = client.SITE.at(server.base)
        with Fetcher(settings, site, "nation", sleep=lambda _: None) as fetcher:
            report = client.snapshot(fetcher, settings, [DAY])
    seconds = time.perf_counter() - started
    (path,) = tmp_path.glob("fetched/rail/*/cr*.min.csv")
    back = cr.read(path.read_text(encoding="utf-8"))
    assert back.flaws.is_empty()
    names = {telecode: name for name, (telecode, *_) in stations.items()}
    got: dict[str, list[tuple[object, ...]]] = {}
    joined = back.trains.join(back.stops, on="block").sort("train_no", "stop_seq")
    for row in joined.iter_rows(named=True):
        arrive, depart = row["arrive_minutes"], row["depart_minutes"]
        start = row["origin_minute"]
        got.setdefault(row["train_no"], []).append((
            client.bare(names.get(row["stop_raw"], row["stop_raw"])),
            None if arrive is None else start + arrive,
            None if depart is None else start + depart,
        ))  # fmt: skip
    wanted = {
        train.train_no: [
            (client.bare(c.station), None if k == 0 else c.arrive,
             None if k == len(train.calls) - 1 else c.depart)
            for k, c in enumerate(train.calls)
        ]
        for train in trains
    }  # fmt: skip
    missing = {row["train_no"] for row in report.missing}
    assert {n: stops for n, stops in wanted.items() if n not in missing} == got
    # Counted as an archive is, the day has the same direct trains between all cities.
    (snapshot,) = acquire.offered(settings)[0]
    live = whole.window_of(settings.sources, snapshot.document, snapshot.edition)
    original = replace(
        snapshot, path=originals / "data" / "rail" / "raw" / "gpx0214" / "cr240410.min.csv.gz"
    )
    known = whole.Reference(
        stations_module.read_stations(settings.sources, lambda _: "s")[0],
        stations_module.read_cities(settings.sources, lambda _: "s")[0],
        stations_module.read_day_types(settings.sources, lambda _: "s")[0],
    )
    fetched, archived = (
        whole.read_window("slice", (held,), window, known).tables["rail_city_pair_day_national"]
        for held, window in ((snapshot, live), (original, Window(WINDOW.base, DAY, DAY)))
    )
    assert fetched.height > 10_000
    assert fetched.equals(archived)
    print(
        f"{fetched.height} pairs of cities equal; {len(trains)} trains, {report.stops} stops, "
        f"{fetcher.asked} questions, "
        f"{sum(fake.hits.values())} faults, {len(missing)} missing, {seconds:.0f} s"
    )

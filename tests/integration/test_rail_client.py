"""A whole snapshot from a local 12306: faults on, killed, taken up again, parsed, compared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from fake_12306 import LASTING, PASSING, Call, Fake12306, Train, made_table
from hypothesis import given
from hypothesis import strategies as st
from local_server import LocalServer, Reply, serving

from pipelines.archive import acquire, store
from pipelines.archive import fetch as fetch_module
from pipelines.archive.acquire import acquisitions
from pipelines.archive.fetch import Fetcher, Stopped
from pipelines.archive.store import sha256_of
from pipelines.errors import MetrocircleError
from pipelines.rail import calendar, client, cr, stations, whole
from pipelines.rail.calendar import Window
from pipelines.settings import Settings
from tests.conftest import ROOT, run_cli

TODAY = date(2026, 11, 22)
FIRST = date(2026, 12, 2)
DATES = [FIRST, FIRST + timedelta(days=1)]


def served(faults: frozenset[str] = frozenset(), number: int = 120, **options: int) -> Fake12306:
    trains, stations = made_table(number, FIRST)
    return Fake12306(trains, stations, TODAY, faults=faults, **options)


def fetch(
    warehouse: Path, server: LocalServer, dates: Sequence[date] = DATES, limit: int | None = None
) -> client.Report:
    settings = Settings(warehouse=warehouse, fetch_pace=0)
    site = client.SITE.at(server.base)
    with Fetcher(settings, site, "test", limit=limit, sleep=lambda _: None) as fetcher:
        return client.snapshot(fetcher, settings, dates)


def parsed(warehouse: Path, fake: Fake12306, dates: Sequence[date]) -> set[tuple[object, ...]]:
    """The assembled file, read by the parser of the archive, as (date, train, stop …)."""
    (path,) = warehouse.glob("fetched/rail/*/cr*.min.csv")
    table = cr.read(path.read_text(encoding="utf-8"))
    assert table.flaws.is_empty(), table.flaws.to_dicts()
    names = {telecode: name for name, (telecode, *_) in fake.stations.items()}
    window = Window(dates[0], dates[0], dates[-1])
    rows = table.trains.join(table.stops, on="block").to_dicts()
    return {
        (
            day, row["train_no"], frozenset(row["code"].split("/")), row["stop_seq"],
            client.bare(names.get(row["stop_raw"], row["stop_raw"])),
            None if row["arrive_minutes"] is None else row["origin_minute"] + row["arrive_minutes"],
            None if row["depart_minutes"] is None else row["origin_minute"] + row["depart_minutes"],
        )
        for row in rows
        for day in calendar.running_days(row["calendar"], window)
    }  # fmt: skip


def truth(trains: Sequence[Train], dates: Sequence[date]) -> set[tuple[object, ...]]:
    return {
        (
            day, train.train_no, frozenset(train.codes), seq, call.station,
            None if seq == 1 else call.arrive,
            None if seq == len(train.calls) else call.depart,
        )
        for train in trains
        for day in dates
        if train.runs(day)
        for seq, call in enumerate(train.calls, start=1)
    }  # fmt: skip


# What of the writing the client must bear; a number in the wrong case is not a train's own.
BEARABLE = (PASSING | LASTING) - {"upper_case_search"}


@pytest.mark.parametrize(
    "faults",
    [frozenset(), BEARABLE - {"old_table"}, frozenset({"old_table", "burst"})],
    ids=["none", "all", "old_table"],
)
def test_the_snapshot_is_the_stop_table_served(faults: frozenset[str], tmp_path: Path) -> None:
    # Two refusals in a row are waited out, a third would end the run: with faults beside them, one.
    fake = served(faults, pause=1 if faults & PASSING else 2)
    with serving(fake) as server:
        report = fetch(tmp_path, server)
    assert parsed(tmp_path, fake, DATES) == truth(fake.trains, DATES)
    assert report.missing == []
    assert report.trains == len(fake.trains)
    # Each fault that was switched on did happen.
    happened = {name for name in PASSING | {"burst"} if fake.hits[name]}
    assert happened == faults & (PASSING | {"burst"})
    # Every byte that came is held under its hash, good answers and bad ones.
    log = [row for row in acquisitions(tmp_path / "archive") if "sha256" in row]
    assert len(log) >= len(fake.seen)
    assert all(sha256_of(tmp_path / "archive" / row["sha256"]) == row["sha256"] for row in log)


def test_full_answers_are_asked_one_character_deeper(tmp_path: Path) -> None:
    """Of 700 trains under G the first 200 come back: the rest is behind longer prefixes."""
    fake = served(number=0)
    long = replace(fake.trains[2], dates=None)
    fake.trains = [
        replace(long, train_no=f"24{f'G{n}'.rjust(8, '0')}00", codes=(f"G{n}",))
        for n in range(1, 701)
    ]
    fake.__post_init__()
    report = client.Report([])
    settings = Settings(warehouse=tmp_path, fetch_pace=0)
    with serving(fake) as server, Fetcher(settings, client.SITE.at(server.base), "deep") as fetcher:
        assert len(client.trains_of(fetcher, FIRST, report)) == 700
    asked = [r.query["keyword"] for r in server.requests if r.path.endswith("search")]
    assert {"G", "G1", "G9"} <= set(asked)
    assert "G0" not in asked


@pytest.mark.parametrize("fault", ["", "suffix_redirect", "short_rows", "moved"])
def test_what_is_sold_between_two_stations_controls_the_list(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rows of one train count once, a stopped train is told from a missing one."""
    between = (Call("广州", 500, 500), Call("三水西", 520, 522), Call("深圳", 600, 600))
    overnight = (Call("广州", 1430, 1430), Call("深圳", 1500, 1500))
    more = [
        Train("6c000G910100", ("G9101",), between),
        Train("6c000G910200", ("G9102",), between, is_stopped=True),
        Train("6c000G910300", ("G9103",), overnight),
        Train("6c000G910400", ("G9104",), between, frozenset({FIRST})),
    ]
    fake = served(frozenset({fault} & LASTING), number=5)
    fake.trains = [*fake.trains, *more]
    fake.groups = [frozenset({"广州", "三水西"})]
    fake.__post_init__()
    if fault == "moved":
        # The page names yesterday's address: the search answers with today's.
        monkeypatch.setattr(client, "_search_of", lambda _: "leftTicket/queryZ")
    settings = Settings(warehouse=tmp_path, fetch_pace=0)
    with serving(fake) as server:
        site = client.SITE.at(server.base)
        with Fetcher(settings, site, "test", sleep=lambda _: None) as fetcher:
            report = client.snapshot(fetcher, settings, DATES, [("广州", "深圳")])
    assert [(row["sold"], row["stopped"]) for row in report.controls] == [
        (3, ["6c000G910200"]), (2, ["6c000G910200"]),
    ]  # fmt: skip
    assert not any(row["sold_but_not_listed"] for row in report.controls)
    assert not any(row["listed_but_not_sold"] for row in report.controls)


def test_a_list_that_lacks_a_sold_train_is_found_out(tmp_path: Path) -> None:
    calls = (Call("广州", 500, 500), Call("深圳", 600, 600))
    fake = served(number=5)
    fake.trains = [*fake.trains, Train("6c000G910100", ("G9101",), calls)]
    fake.__post_init__()
    listed = fake._search

    def forgetful(query: dict[str, str]) -> Reply:
        payload = json.loads(listed(query).body)
        payload["data"] = [t for t in payload["data"] if t["station_train_code"] != "G9101"]
        return Reply(json.dumps(payload).encode(), media="application/json")

    fake._search = forgetful  # type: ignore[method-assign]
    settings = Settings(warehouse=tmp_path, fetch_pace=0)
    with serving(fake) as server:
        site = client.SITE.at(server.base)
        with Fetcher(settings, site, "test", sleep=lambda _: None) as fetcher:
            report = client.snapshot(fetcher, settings, [FIRST], [("广州", "深圳")])
    assert report.controls[0]["sold_but_not_listed"] == ["6c000G910100"]


def test_stops_are_asked_once_for_all_dates(tmp_path: Path) -> None:
    fake = served(number=20)
    with serving(fake) as server:
        fetch(tmp_path, server)
    stops = [r.query["train_no"] for r in server.requests if r.path.endswith("queryByTrainNo")]
    assert len(stops) == len(set(stops)) == len(fake.trains)


@pytest.mark.parametrize("day", [TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=15)])
def test_dates_that_are_not_on_sale_are_refused_before_any_list(day: date, tmp_path: Path) -> None:
    """Outside the window every list is empty, and today's lacks the trains that have left."""
    with (
        serving(served()) as server,
        pytest.raises(MetrocircleError, match="2026-11-23 to 2026-12-06"),
    ):
        fetch(tmp_path, server, [day])
    assert not [r for r in server.requests if r.path.endswith("search")]
    assert not list(tmp_path.glob("fetched/**/*.csv"))


def test_a_nation_without_trains_is_not_believed(tmp_path: Path) -> None:
    fake = served()
    fake.trains = []
    with serving(fake) as server, pytest.raises(Stopped, match="an empty list is not evidence"):
        fetch(tmp_path, server)


def test_trains_whose_stops_never_come_are_missing_or_the_snapshot_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number in upper case is another train's to 12306: its stop list is empty."""
    fake = served(frozenset({"upper_case_search"}), number=20)
    with serving(fake) as server:
        with pytest.raises(MetrocircleError, match="2 of 23 trains have no stops"):
            fetch(tmp_path, server)
        assert not list(tmp_path.glob("fetched/**/*.csv"))
        monkeypatch.setattr(client, "MOST_MISSING", 0.1)
        report = fetch(tmp_path, server)
    assert {row["train_no"] for row in report.missing} == {"6C000K900100", "6T000D751501"}
    assert all("empty list" in row["reason"] for row in report.missing)
    # In the file they stand without stops, as in the archive.
    (path,) = tmp_path.glob("fetched/rail/*/cr*.min.csv")
    trains = cr.read(path.read_text(encoding="utf-8"))
    assert trains.trains.height == 23
    assert trains.stops["block"].n_unique() == 21


def test_a_limit_parts_a_snapshot_into_sessions(tmp_path: Path) -> None:
    fake = served(number=30)
    with serving(fake) as server:
        for _ in range(20):
            try:
                fetch(tmp_path, server, limit=20)
                break
            except Stopped:
                continue
    assert parsed(tmp_path, fake, DATES) == truth(fake.trains, DATES)
    again = {target: n for target, n in server.asked.items() if n > 1}
    # Empty answers are asked a second time by design; nothing else is.
    assert all("search?keyword=" in target and n == 2 for target, n in again.items())


# More kills by hand: METROCIRCLE_TEST_KILLS=200.
KILLS = int(os.environ.get("METROCIRCLE_TEST_KILLS", "7"))


def test_killed_and_taken_up_again_no_question_is_asked_twice(tmp_path: Path) -> None:
    """kill -9 between two questions and in the middle of one; the server counts.

    Only a question that was on its way when the process died may come again.
    """
    number = max(60, KILLS * 10)
    plain = served(number=number)
    with serving(plain) as server:
        fetch(tmp_path / "whole", server, [FIRST])
    once = server.asked
    fake = served(number=number)
    kills = 0
    in_flight: set[str] = set()
    with serving(fake) as server:
        for turn in range(KILLS):
            held = len(server.requests)
            process = start(tmp_path / "killed", server)
            # Some at once, some well under way: told by what the server saw, not by the clock.
            wanted = held + (turn * 7) % 19 + 1
            while process.poll() is None and len(server.requests) < wanted:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
            last = server.requests[-1]
            in_flight.add(" ".join(filter(None, (last.method, last.target, last.body.decode()))))
            if len(server.asked) == len(once):
                break  # so many kills that it is done
        assert kills >= min(KILLS, 5)
        done = start(tmp_path / "killed", server)
        out, err = done.communicate(timeout=600)
        assert done.returncode == 0, err
    extra = server.asked - once
    assert sum(extra.values()) <= kills
    assert set(extra) <= in_flight
    assert once - server.asked == {}
    assert parsed(tmp_path / "killed", fake, [FIRST]) == truth(fake.trains, [FIRST])
    assert json.loads(out)["trains"] == len(fake.trains)
    print(f"{kills} kills, {sum(once.values())} questions, {sum(extra.values())} asked again")


def test_killed_in_the_pause_between_two_questions_nothing_is_asked_twice(tmp_path: Path) -> None:
    fake = served(number=1)
    journal = tmp_path / "fetching/rail" / f"{FIRST}_{FIRST}" / "journal.jsonl"
    with serving(fake) as server:
        for turn in range(1, 4):
            # Six seconds' manners at a tenth: a pause of 0.6 s or more after each answer.
            process = start(tmp_path, server, pace="0.1")
            while process.poll() is None and len(store.entries(journal)) < turn:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            assert len(server.requests) == len(store.entries(journal)) == turn
        assert start(tmp_path, server).wait(timeout=60) == 0
    with serving(served(number=1)) as once:
        fetch(tmp_path / "whole", once, [FIRST])
    assert server.asked == once.asked


def test_a_snapshot_is_offered_and_counted_like_an_archive(tmp_path: Path) -> None:
    """Real stations, made trains: from the answers of the site to direct trains between cities."""
    sources = Settings().sources
    known, _ = stations.read_stations(sources, lambda _: "s")
    cities, _ = stations.read_cities(sources, lambda _: "s")
    day_types, _ = stations.read_day_types(sources, lambda _: "s")
    names = dict(known.select("telecode", "station_name_zh").iter_rows())
    south, north, west, city = (names[code] for code in ("IZQ", "IOQ", "FSQ", "GZQ"))
    first = date(2024, 12, 2)
    trains = [
        # Both stations of Guangzhou: one train to Shenzhen, not two.
        Train("6c000G910100", ("G9101", "G9102"), (
            Call(city, 480, 480), Call(south, 500, 505), Call(north, 560, 560),
        )),
        Train("6c000G910300", ("G9103",), (Call(west, 700, 700), Call(south, 720, 722),
                                           Call(north, 790, 790)), frozenset({first})),
        Train("6c000K910500", ("K9105",), (Call(south, 1430, 1430), Call(north, 1500, 1500))),
    ]  # fmt: skip
    fake = Fake12306(
        trains, {name: (code, "1501", "") for code, name in names.items()}, date(2024, 11, 30),
        faults=PASSING,
    )  # fmt: skip
    with serving(fake) as server:
        fetch(tmp_path, server, [first, first + timedelta(days=1)])
    taken, _ = acquire.offered(Settings(warehouse=tmp_path))
    (snapshot,) = taken
    assert (snapshot.document, snapshot.edition, snapshot.reader) == (
        "cr_timetable_live", "2024-12-02_2024-12-03", "cr",
    )  # fmt: skip
    window = whole.window_of(sources, snapshot.document, snapshot.edition)
    reference = whole.Reference(known, cities, day_types)
    read = whole.read_window(snapshot.slice, (snapshot,), window, reference)
    assert read.rejects == []
    nation = read.tables["rail_city_pair_day_national"]
    counts = {
        (row["service_date"].day, row["origin_code"], row["destination_code"]): row["direct_trains"]
        for row in nation.iter_rows(named=True)
    }
    assert counts == {
        (2, "440100", "440300"): 3, (3, "440100", "440300"): 2,
        (2, "440600", "440100"): 1, (2, "440600", "440300"): 1,
    }  # fmt: skip


@pytest.mark.parametrize("days", ["", "241204", "w567", "241201-03"])
def test_a_snapshot_whose_trains_run_at_other_times_is_refused(days: str, tmp_path: Path) -> None:
    text = f"6c000G910100,G9101/G9102,241202\nIZQ,,08:00\nIOQ,30\n\n6c000G910300,G9103,{days}\n"
    fetch_module.place(
        Settings(warehouse=tmp_path), "rail", "12306_2024-12-02_2024-12-02/cr241202.min.csv",
        text.encode(),
    )  # fmt: skip
    taken, (refusal,) = acquire.offered(Settings(warehouse=tmp_path))
    assert taken == []
    assert "expected every train to name its dates from 2024-12-02" in refusal.reason
    assert "6c000G910300" in refusal.reason


def start(warehouse: Path, server: LocalServer, pace: str = "0") -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if "METROCIRCLE" not in k}
    environment |= {"METROCIRCLE_WAREHOUSE": str(warehouse), "METROCIRCLE_FETCH_PACE": pace}
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "fetch", "rail", "--at", server.base,
         "--from", FIRST.isoformat(), "--json"],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_the_command_refuses_unless_switched_on(tmp_path: Path) -> None:
    result = run_cli("fetch", "rail", "--from", "2026-12-02", warehouse=tmp_path)
    assert result.returncode == 1
    assert "METROCIRCLE_FETCH=rail" in result.stderr
    assert list(tmp_path.iterdir()) == []


@given(st.sets(st.dates(date(2026, 11, 1), date(2027, 3, 1)), min_size=1))
def test_dates_are_written_as_the_calendar_reads_them(days: set[date]) -> None:
    window = Window(min(days), min(days), max(days))
    assert calendar.running_days(client.expression(days), window) == days

"""The fetcher against a real local server: pace, patience, what it keeps and never asks twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from itertools import count
from pathlib import Path
from time import time

import pytest
from local_server import LocalServer, Reply, Request, serving

from pipelines.archive import fetch
from pipelines.archive.acquire import acquisitions
from pipelines.archive.fetch import (
    Absent,
    Answer,
    Ask,
    Challenge,
    Fetcher,
    Manners,
    NoAnswer,
    NotTheAnswer,
    Site,
    Stopped,
)
from pipelines.archive.store import sha256_of
from pipelines.errors import MetrocircleError
from pipelines.lock import WriterBusy
from pipelines.settings import LIVE_SOURCES, Settings, load

MANNERS = Manners(interval_s=10, jitter=0.5, attempts=3, backoff_s=4, backoff_most_s=6)


class House:
    """A warehouse, a clock that only sleeping moves, and fetchers that share both."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = Settings(warehouse=folder / "warehouse")
        self.slept: list[float] = []
        self.now = 1000.0
        monkeypatch.setattr(fetch.time, "monotonic", lambda: self.now)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def fetcher(self, server: LocalServer, manners: Manners = MANNERS, **options: int) -> Fetcher:
        site = Site("rail", (server.base,), manners, r"/error\.html")
        return Fetcher(self.settings, site, "run", sleep=self.sleep, **options)

    @property
    def outcomes(self) -> list[str]:
        return [row["outcome"] for row in acquisitions(self.settings.archive)]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tmp_path, monkeypatch)


def replies(*bodies: Reply) -> Callable[[Request], Reply]:
    """The given replies one after another, the last one for ever."""
    turn = count()
    return lambda _: bodies[min(next(turn), len(bodies) - 1)]


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FINE = Reply(b"fine", media="text/plain; charset=utf-8")


def test_questions_keep_their_distance(house: House) -> None:
    with serving(lambda _: FINE) as server, house.fetcher(server) as run:
        for number in range(20):
            run.get(Ask(f"{server.base}/{number}"))
    assert len(house.slept) == 19
    assert all(10 <= pause <= 15 for pause in house.slept)
    assert len(set(house.slept)) > 1
    assert {r.headers["user-agent"] for r in server.requests} == {
        server.requests[0].headers["user-agent"]
    }
    assert server.requests[0].headers["user-agent"].startswith("metrocircle/")


def test_a_restart_waits_its_turn_too(house: House) -> None:
    with serving(lambda _: FINE) as server:
        with house.fetcher(server) as run:
            run.get(Ask(f"{server.base}/1"))
        with house.fetcher(server) as run:
            run.get(Ask(f"{server.base}/2"))
    assert sum(house.slept) == pytest.approx(10, abs=2)


@pytest.mark.parametrize(
    "bad",
    [
        Reply(status=500), Reply(status=502), Reply(b"whole", cut=2),
        Reply(raw=lambda connection: connection.close()),
        Reply(b"not gzip", headers=(("Content-Encoding", "gzip"),)),
        Reply(raw=lambda c: c.sendall(CHUNKED + b"4\r\nwh")),
        Reply(raw=lambda c: c.sendall(b"\x00\x01\x02 no http\r\n\r\n")),
    ],
    ids=["500", "502", "cut_short", "hangs_up", "damaged_gzip", "cut_chunk", "no_http"],
)  # fmt: skip
def test_a_fault_is_asked_again_with_growing_pauses(bad: Reply, house: House) -> None:
    with serving(replies(bad, bad, FINE)) as server, house.fetcher(server) as run:
        assert run.get(Ask(f"{server.base}/a")).body() == b"fine"
    assert len(server.requests) == 3
    assert house.outcomes == ["live_failed", "live_failed", "live_fetched"]
    assert len(house.slept) == 2 and min(house.slept) >= 10


def test_back_off_is_bounded(house: House) -> None:
    eager = replace(MANNERS, interval_s=0, attempts=8, failures=99)
    with serving(lambda _: Reply(status=500)) as server, house.fetcher(server, eager) as run:
        with pytest.raises(NoAnswer, match="after 8 attempts: HTTP 500"):
            run.get(Ask(f"{server.base}/a"))
    assert len(server.requests) == 8
    assert 2 <= house.slept[0] <= 4
    assert all(3 <= pause <= 6 for pause in house.slept[1:])


@pytest.mark.parametrize("written", ["120", "date"])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(written: str, status: int, house: House) -> None:
    value = written if written.isdecimal() else formatdate(time() + 120, usegmt=True)
    busy = Reply(status=status, headers=(("Retry-After", value),))
    with serving(replies(busy, FINE)) as server, house.fetcher(server) as run:
        run.get(Ask(f"{server.base}/a"))
    assert house.slept == [pytest.approx(120, abs=3)]


@pytest.mark.parametrize("value", ["86400", "99999999999999999999"])
def test_a_retry_after_beyond_patience_ends_the_run(value: str, house: House) -> None:
    busy = Reply(status=503, headers=(("Retry-After", value),))
    with serving(lambda _: busy) as server, house.fetcher(server) as run:
        with pytest.raises(Stopped, match="come back"):
            run.get(Ask(f"{server.base}/a"))
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 451])
def test_who_is_not_welcome_leaves_at_once(status: int, house: House) -> None:
    with serving(lambda _: Reply(b"no", status=status)) as server, house.fetcher(server) as run:
        with pytest.raises(Stopped, match="does not want to be asked"):
            run.get(Ask(f"{server.base}/a"))
    assert len(server.requests) == 1


def test_a_challenge_pauses_then_ends_the_run(house: House) -> None:
    moved = Reply(status=302, headers=(("Location", "http://elsewhere.example/error.html"),))
    with serving(lambda _: moved) as server, house.fetcher(server) as run:
        with pytest.raises(Stopped, match="3 times in a row"):
            run.get(Ask(f"{server.base}/a"))
    assert len(server.requests) == 3
    assert house.slept == [300, 600]


def test_a_pause_that_helps_lets_the_run_go_on(house: House) -> None:
    def wary(answer: Answer) -> None:
        if b"<html" in answer.body():
            raise Challenge("a page where data were asked for")

    page = Reply(b"<html>please wait</html>")
    with serving(replies(page, page, FINE)) as server, house.fetcher(server) as run:
        assert run.get(Ask(f"{server.base}/a"), wary).body() == b"fine"
        assert run.get(Ask(f"{server.base}/b"), wary).body() == b"fine"
    # The refused pages are evidence too.
    held = {path.name for path in house.settings.archive.iterdir()}
    failed = [
        row for row in acquisitions(house.settings.archive) if row["outcome"] == "live_failed"
    ]
    assert len(failed) == 2
    assert {row["sha256"] for row in failed} <= held


def test_a_dead_server_is_left_alone(house: House) -> None:
    brief = replace(MANNERS, attempts=2, failures=3)
    with serving(lambda _: Reply(status=500)) as server, house.fetcher(server, brief) as run:
        for number in range(2):
            with pytest.raises(NoAnswer):
                run.get(Ask(f"{server.base}/{number}"))
        with pytest.raises(Stopped, match="3 questions in a row failed"):
            run.get(Ask(f"{server.base}/2"))
    assert len(server.requests) == 6


def test_answers_are_archived_journaled_and_never_asked_again(house: House) -> None:
    def handler(request: Request) -> Reply:
        return Reply(status=404) if request.path == "/gone" else FINE

    with serving(handler) as server:
        asks = [
            Ask(f"{server.base}/a", (("b", "广州"), ("a", "1"))),
            Ask(f"{server.base}/a", (("b", "佛山"), ("a", "1"))),
            Ask(f"{server.base}/a", form=(("b", "广州"),)),
            Ask(f"{server.base}/a", (("b", "广州"), ("a", "1")), look="second"),
        ]
        for _ in range(2):
            with house.fetcher(server) as run:
                answers = [run.get(ask) for ask in asks]
                with pytest.raises(Absent):
                    run.get(Ask(f"{server.base}/gone"))
        assert run.asked == 0 and run.reused == 5
    assert sum(server.asked.values()) == 5
    assert all(sha256_of(answer.path) == answer.sha256 for answer in answers)
    assert server.requests[0].target == "/a?b=%E5%B9%BF%E5%B7%9E&a=1"
    assert house.outcomes == ["live_fetched"] * 4 + ["live_absent"]


def test_a_journal_cut_short_costs_one_question(house: House) -> None:
    with serving(lambda _: FINE) as server:
        for _ in range(2):
            with house.fetcher(server) as run:
                for number in range(3):
                    run.get(Ask(f"{server.base}/{number}"))
            lines = run.journal.read_bytes()
            run.journal.write_bytes(lines[:-40])
    assert server.asked == {"GET /0": 1, "GET /1": 1, "GET /2": 2}


def test_what_fails_its_check_is_not_journaled(house: House) -> None:
    def picky(_: Answer) -> None:
        raise NotTheAnswer("cut short")

    with serving(lambda _: FINE) as server:
        with house.fetcher(server) as run:
            with pytest.raises(NoAnswer, match="cut short"):
                run.get(Ask(f"{server.base}/a"), picky)
        with house.fetcher(server) as run:
            assert run.get(Ask(f"{server.base}/a")).body() == b"fine"
    assert len(server.requests) == 4


def test_a_limit_ends_the_run_and_the_next_goes_on(house: House) -> None:
    with serving(lambda _: FINE) as server:
        with house.fetcher(server, limit=2) as run:
            run.get(Ask(f"{server.base}/0"))
            run.get(Ask(f"{server.base}/1"))
            with pytest.raises(Stopped, match="limit of 2"):
                run.get(Ask(f"{server.base}/2"))
        with house.fetcher(server, limit=2) as run:
            for number in range(4):
                run.get(Ask(f"{server.base}/{number}"))
    assert set(server.asked.values()) == {1}


def test_two_fetches_of_one_source_do_not_double_the_pace(house: House) -> None:
    # The lock is one of processes; its holder may ask again, so another token stands for it.
    with serving(lambda _: FINE) as server, house.fetcher(server):
        from pipelines import lock

        lock._held.clear()
        with pytest.raises(WriterBusy, match="is fetching from the source rail"):
            house.fetcher(server).__enter__()


def test_nothing_is_asked_unless_switched_on() -> None:
    for source in LIVE_SOURCES:
        with pytest.raises(MetrocircleError, match=f"METROCIRCLE_FETCH={source}"):
            fetch.permitted(load({}), source, None)
        fetch.permitted(load({"METROCIRCLE_FETCH": f"{source},rail"}), source, None)


def test_a_real_site_is_told_who_asks_and_never_hurried() -> None:
    site = Site("rail", ("https://site.example",), MANNERS)
    with pytest.raises(MetrocircleError, match="METROCIRCLE_FETCH_CONTACT"):
        Fetcher(load({}), site, "run")
    known = {"METROCIRCLE_FETCH_CONTACT": "mail@example.org"}
    agent = Fetcher(load(known), site, "run")._wire.session.headers["User-Agent"]
    assert "mail@example.org" in str(agent)
    with pytest.raises(MetrocircleError, match="faster than its manners"):
        Fetcher(load(known | {"METROCIRCLE_FETCH_PACE": "0.5"}), site, "run")
    slow = Fetcher(load(known | {"METROCIRCLE_FETCH_PACE": "3"}), site, "run")
    assert slow.manners.interval_s == 30


@pytest.mark.parametrize(
    "environment",
    [
        {"METROCIRCLE_FETCH": "rails"},
        {"METROCIRCLE_FETCH_PACE": "-1"},
        {"METROCIRCLE_FETCH_PACE": "nan"},
        {"METROCIRCLE_FETCH_CONTACT": "me\r\nCookie: x"},
    ],
)
def test_wrong_settings_are_named(environment: dict[str, str]) -> None:
    with pytest.raises(MetrocircleError, match=next(iter(environment))):
        load(environment)


def test_a_fetched_file_is_whole_or_absent_and_equal_bytes_are_left_alone(tmp_path: Path) -> None:
    settings = Settings(warehouse=tmp_path)
    path = fetch.place(settings, "rail", "set/snapshot.json", json.dumps({"a": 1}).encode())
    assert path == tmp_path / "fetched" / "rail" / "set" / "snapshot.json"
    before = path.stat()
    fetch.place(settings, "rail", "set/snapshot.json", json.dumps({"a": 1}).encode())
    assert path.stat() == before
    assert [p.name for p in path.parent.iterdir()] == ["snapshot.json"]

"""One test per attack of a server on the fetcher: it ends, stays small, and asks nobody else."""

from __future__ import annotations

import gzip
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from local_server import LocalServer, Reply, Request, serving

from pipelines.archive import wire
from pipelines.archive.acquire import acquisitions
from pipelines.archive.fetch import (
    Answer,
    Ask,
    Fetcher,
    Manners,
    NoAnswer,
    NotTheAnswer,
    Site,
    Stopped,
)
from pipelines.archive.wire import Bounds, OffLimits, origin_of, reachable
from pipelines.settings import Settings

# Short, so that the tests are; an attacker's patience is not what is tested.
BOUNDS = Bounds(connect_s=2, read_s=0.3, deadline_s=0.6, most_bytes=1 << 20)
MANNERS = Manners(interval_s=0, attempts=1, backoff_s=0, challenge_s=0, bounds=BOUNDS)


@pytest.fixture
def fetcher(tmp_path: Path) -> Callable[..., Fetcher]:
    settings = Settings(warehouse=tmp_path / "warehouse", fetch_contact="tests@example.org")

    def make(*origins: str, manners: Manners = MANNERS) -> Fetcher:
        return Fetcher(settings, Site("rail", origins, manners), "run", sleep=lambda _: None)

    return make


def archived(fetcher: Fetcher) -> list[Path]:
    """Everything the archive holds but its log: half files too."""
    return [p for p in fetcher.archive.iterdir() if p.name != "acquisitions.jsonl"]


def drip(head: bytes, piece: bytes, pause: float) -> Callable[[socket.socket], None]:
    """Sends `head`, then `piece` for ever (ten seconds, lest a failing test never ends)."""

    def send(connection: socket.socket) -> None:
        connection.sendall(head)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            connection.sendall(piece)
            time.sleep(pause)

    return send


ENDLESS = {
    "never_answers": lambda connection: time.sleep(3),
    "drips_its_headers": drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.1),
    "says_continue_for_ever": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),
    "drips_a_body_that_promises_a_length": drip(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x", 0.1
    ),
    "drips_a_body_without_a_length": drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x", 0.1),
    "drips_chunks": drip(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.1
    ),
    "floods_a_body_without_a_length": drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, 0),
    "floods_one_header": drip(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536, 0),
    "packs_nothing_for_ever": drip(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 500, 0.01
    ),
}


@pytest.mark.parametrize("attack", ENDLESS)
def test_a_server_that_never_ends(attack: str, fetcher: Callable[..., Fetcher]) -> None:
    with serving(lambda _: Reply(raw=ENDLESS[attack])) as server, fetcher(server.base) as run:
        started = time.monotonic()
        with pytest.raises(NoAnswer):
            run.get(Ask(f"{server.base}/table.xls"))
        # Ten times what the bounds allow: slow machines, not timing, are the reason.
        assert time.monotonic() - started < 10 * BOUNDS.deadline_s
        assert archived(run) == []
        assert acquisitions(run.archive)[-1]["outcome"] == "live_failed"


BOMB = gzip.compress(bytes(200 << 20), 9)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_decompression_bomb_stops_at_the_cap(
    layers: int, fetcher: Callable[..., Fetcher]
) -> None:
    body, encoding = (BOMB, "gzip") if layers == 1 else (gzip.compress(BOMB), "gzip, gzip")
    reply = Reply(body, headers=(("Content-Encoding", encoding),))
    patient = replace(MANNERS, bounds=replace(BOUNDS, read_s=5, deadline_s=20))
    with serving(lambda _: reply) as server, fetcher(server.base, manners=patient) as run:
        tracemalloc.start()
        try:
            with pytest.raises(NoAnswer, match="more than 1048576 bytes"):
                run.get(Ask(f"{server.base}/table.xls"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 32 << 20
        assert archived(run) == []


@pytest.fixture
def bystander() -> Iterator[LocalServer]:
    """A server nobody may be sent to."""
    with serving(lambda _: Reply(b"secret of the inner network")) as server:
        yield server


def test_a_redirect_off_the_list_is_not_followed(
    bystander: LocalServer, fetcher: Callable[..., Fetcher]
) -> None:
    def handler(_: Request) -> Reply:
        return Reply(status=302, headers=(("Location", f"{bystander.base}/login"),))

    told = pytest.raises(Stopped, match=r"redirects to http://127\.0\.0\.1:.*not on the list")
    with serving(handler) as server, fetcher(server.base) as run, told:
        run.get(Ask(f"{server.base}/table.xls"))
    assert bystander.requests == []


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "//169.254.169.254/latest/meta-data/",
        "http://user:word@127.0.0.1/",
        "http://[::1/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
    ],
)
def test_a_redirect_to_something_odd_is_not_followed(
    location: str, fetcher: Callable[..., Fetcher]
) -> None:
    reply = Reply(status=302, headers=(("Location", location),))
    with serving(lambda _: reply) as server, fetcher(server.base) as run:
        with pytest.raises((Stopped, OffLimits, NoAnswer)):
            run.get(Ask(f"{server.base}/table.xls"))
        assert len(server.requests) == 1


def test_the_body_of_a_redirect_is_not_read(fetcher: Callable[..., Fetcher]) -> None:
    """A client that drains it unpacks the bomb before any cap is looked at."""

    def handler(request: Request) -> Reply:
        if request.path == "/next":
            return Reply(b"fine")
        packed = (("Content-Encoding", "gzip"), ("Location", "/next"))
        return Reply(BOMB, status=302, headers=packed)

    with serving(handler) as server, fetcher(server.base) as run:
        tracemalloc.start()
        try:
            assert run.get(Ask(f"{server.base}/table.xls")).body() == b"fine"
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 32 << 20


def test_no_escape_sequence_of_a_server_reaches_the_terminal(
    fetcher: Callable[..., Fetcher],
) -> None:
    def words(answer: Answer) -> None:
        raise NotTheAnswer(answer.body().decode())

    def handler(request: Request) -> Reply:
        if request.path == "/words":
            return Reply("\x1b]0;owned\x07\u202eabc\x1b[2J".encode())
        return Reply(raw=lambda c: c.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: http://x.example/\x1b[2J\r\nContent-Length: 0\r\n\r\n"
        ))  # fmt: skip

    with serving(handler) as server, fetcher(server.base) as run:
        for path, error in (("/words", NoAnswer), ("/moved", Stopped)):
            with pytest.raises(error) as told:
                run.get(Ask(f"{server.base}{path}"), words)
            assert str(told.value).isprintable()


def test_redirects_in_a_circle_end(fetcher: Callable[..., Fetcher]) -> None:
    reply = Reply(status=302, headers=(("Location", "/table.xls"),))
    with serving(lambda _: reply) as server, fetcher(server.base) as run:
        with pytest.raises(NoAnswer, match="redirects"):
            run.get(Ask(f"{server.base}/table.xls"))
        assert len(server.requests) == 6


PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",
    "100.64.0.1", "224.0.0.1", "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "2002:0a00:0001::1",
    "64:ff9b::a00:1", "64:ff9b:1::a00:1", "::ffff:0:a00:1", "::a00:1", "fec0::1", "5f00::1",
    "192.88.99.1", "192.0.0.8",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_a_listed_name_that_leads_inside_is_not_reached(
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    bystander: LocalServer,
    fetcher: Callable[..., Fetcher],
) -> None:
    """The name is on the list; whoever answers for it in DNS points it at a machine inside."""
    port = origin_of(bystander.base).port
    monkeypatch.setattr(
        wire.socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (address, port))]
    )
    base = f"http://portal.example:{port}"
    with fetcher(base) as run, pytest.raises(OffLimits, match="not a public address"):
        run.get(Ask(f"{base}/table.xls"))
    assert bystander.requests == []


def test_public_addresses_are_reached_and_private_ones_beside_them_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = [(0, 0, 0, "", (a, 80)) for a in ("10.0.0.1", "93.184.216.34")]
    monkeypatch.setattr(wire.socket, "getaddrinfo", lambda *_, **__: both)
    assert reachable("portal.example", 80) == ["93.184.216.34"]


def test_a_loopback_name_leads_to_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        wire.socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("93.184.216.34", 80))]
    )
    with pytest.raises(OffLimits):
        reachable("localhost", 80)


def test_a_stand_in_must_be_on_this_machine() -> None:
    site = Site("rail", ("https://kyfw.example",), MANNERS)
    for base in ("http://10.0.0.1:80", "https://portal.example", "http://127.0.0.1.example:80"):
        with pytest.raises(OffLimits):
            site.at(base)
    assert site.at("http://[::1]:8000").origins == ("http://[::1]:8000",)


def test_proxies_and_passwords_of_the_environment_stay_unused(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    bystander: LocalServer,
    fetcher: Callable[..., Fetcher],
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, bystander.base)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(lambda _: Reply(b"fine")) as server, fetcher(server.base) as run:
        assert run.get(Ask(f"{server.base}/page")).body() == b"fine"
        assert "authorization" not in server.requests[0].headers
    assert bystander.requests == []

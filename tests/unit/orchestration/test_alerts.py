"""People are told once of each cause and once of its end, by channels that may be down."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelines import refresh, staleness
from pipelines.archive import store
from pipelines.errors import MetrocircleError
from pipelines.orchestration import alerts, freshness, retries, sensors, state
from pipelines.orchestration.alerts import Cause
from pipelines.quality import results
from pipelines.quality.ledger import CheckResult
from pipelines.settings import Settings
from pipelines.sources import BY_NAME

DISK = Cause("job:refresh", "refresh failed", "error", "the disk is full")
WARNED = CheckResult(
    "frozen_values", "observation", "yearbook--2022", "great_expectations", "warning", "domain",
    "warn", "1 failing of 3", "no number alike for four years", 1, ("a row",),
)  # fmt: skip
FAILED = replace(WARNED, rule_id="fact_id_unique", severity="error", status="fail")


class Webhook(ThreadingHTTPServer):
    """Keeps what was posted; answers `answer`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.bodies: list[dict[str, object]] = []
        self.answer = 204


class _Post(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Webhook)
        if self.server.answer < 300:
            self.server.bodies.append(json.loads(body))
        self.send_response(self.server.answer)
        if self.server.answer == 307:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class MailServer(socketserver.ThreadingTCPServer):
    """As much of SMTP as a client needs to deliver one message."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.mails: list[str] = []


class _Smtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                mail = b"".join(iter(self.rfile.readline, b".\r\n"))
                assert isinstance(self.server, MailServer)
                self.server.mails.append(mail.decode())
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def house(tmp_path: Path, webhook: Webhook, mail: MailServer) -> Settings:
    return Settings(
        warehouse=tmp_path / "warehouse",
        alert_webhook=f"http://127.0.0.1:{webhook.server_port}/hook?token=s3cret",
        alert_mail_to="keeper@example.org",
        alert_smtp=f"127.0.0.1:{mail.server_address[1]}",
    )


def log(settings: Settings) -> list[dict[str, str]]:
    lines = (settings.alerts / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_told_once_and_once_more_when_it_is_gone(
    house: Settings, webhook: Webhook, mail: MailServer
) -> None:
    for _ in range(3):
        assert [e.key for e in alerts.reconcile(house, [DISK], ["job"])] == [DISK.key]
    assert len(webhook.bodies) == len(mail.mails) == 1
    assert webhook.bodies[0]["opened"] == [
        {"key": DISK.key, "severity": "error", "text": DISK.text}
    ]
    assert "the disk is full" in mail.mails[0]
    for _ in range(2):
        assert alerts.reconcile(house, [], ["job"]) == []
    assert len(webhook.bodies) == len(mail.mails) == 2
    assert "RECOVERED refresh failed" in str(webhook.bodies[1]["text"])
    assert "0 broken, 1 recovered" in mail.mails[1]
    alerts.reconcile(house, [DISK], ["job"])
    assert len(webhook.bodies) == 3, "the same cause a second time is news"
    assert [sorted(set(line) - {"time"})[0] for line in log(house)] == [
        "opened", "recovered", "opened",
    ]  # fmt: skip


def test_what_a_failure_says_reaches_every_channel_whatever_it_holds(
    house: Settings, webhook: Webhook, mail: MailServer
) -> None:
    """A name in GBK, an escape sequence, a header of a mail, ten megabytes."""
    alerts.job_failed(
        house, "refresh", "no \udcc4\udcea\x1b[2J\r\nBcc: x@example.org\n" + "x" * 10**7
    )
    assert "recovered" not in log(house)[0] and len(log(house)) == 1
    assert "no \\udcc4\\udcea\\x1b[2J\\r\nBcc" in str(webhook.bodies[0]["text"])
    assert len(str(webhook.bodies[0]["text"])) < 3000
    head, _, _ = mail.mails[0].partition("\r\n\r\n")
    assert "Bcc" not in head
    alerts.job_succeeded(house, "refresh")
    assert len(webhook.bodies) == len(mail.mails) == 2


def test_a_cause_that_nobody_looked_at_does_not_recover(house: Settings) -> None:
    alerts.reconcile(house, [DISK], ["job"])
    assert [e.key for e in alerts.reconcile(house, [], ["check"])] == [DISK.key]


@pytest.mark.parametrize("answer", [500, 307])
def test_a_channel_that_is_down_is_told_later_and_stops_nothing(
    answer: int, house: Settings, webhook: Webhook, mail: MailServer
) -> None:
    webhook.answer = answer
    alerts.reconcile(house, [DISK], ["job"])
    assert (len(webhook.bodies), len(mail.mails)) == (0, 1)
    assert "s3cret" not in (house.alerts / "alerts.jsonl").read_text(encoding="utf-8")
    assert "s3cret" not in repr(house)
    webhook.answer = 204
    alerts.reconcile(house, [DISK], ["job"])
    assert (len(webhook.bodies), len(mail.mails)) == (1, 1)


def test_failed_and_warned_checks_are_causes_until_they_pass(house: Settings) -> None:
    results.record(house, "refused", "", [WARNED, FAILED])
    keys = {entry.key for entry in alerts.watch(house)}
    assert keys == {
        "release:refused",
        "check:observation.frozen_values [yearbook--2022]",
        "check:observation.fact_id_unique [yearbook--2022]",
    }
    results.record(house, "published", "r1", [WARNED, replace(FAILED, status="pass")])
    assert {e.key for e in alerts.watch(house)} == {
        "check:observation.frozen_values [yearbook--2022]"
    }


def test_a_job_that_failed_recovers_with_its_next_success(house: Settings) -> None:
    alerts.job_failed(house, "rail", "no stops")
    alerts.job_failed(house, "yearbook", "no cells")
    alerts.job_succeeded(house, "rail")
    assert [e.key for e in alerts.read_open(house)] == ["job:yearbook"]


def test_a_silent_sensor_is_a_cause_once_schedules_are_on(house: Settings) -> None:
    assert alerts.watch(house) == []
    on = replace(house, schedules_on=True)
    alerts.beat(on, "watch")
    assert [e.key for e in alerts.watch(on)] == ["heartbeat:drop_folder"]
    late = datetime.now(UTC) + alerts.SILENCE + timedelta(seconds=1)
    keys = {cause.key for cause in alerts.examine(on, late)}
    assert keys == {"heartbeat:drop_folder", "heartbeat:watch"}


def test_a_source_is_late_by_its_publisher_and_a_second_reading_is_no_news(
    house: Settings,
) -> None:
    days = BY_NAME["rail"].silent_days
    assert days is not None
    for snapshot in ("a", "a"):
        store.log(house.archive, "archived", source_id="rail", snapshot_id=snapshot, file="x.csv")
    now = datetime.now(UTC)

    def rail(when: datetime) -> freshness.Freshness:
        return next(f for f in freshness.examine(house, when) if f.source == "rail")

    assert not rail(now + timedelta(days=days - 1)).is_late
    assert rail(now + timedelta(days=days + 1)).is_late
    lines = (house.archive / "acquisitions.jsonl").read_text().splitlines()
    early = [line.replace(str(now.year), "2020", 1) for line in lines[:1]]
    (house.archive / "acquisitions.jsonl").write_text("\n".join([*early, *lines[1:]]) + "\n")
    assert rail(now).is_late, "the bytes came in 2020, whenever they are read again"
    assert [c.key for c in alerts.examine(house, now)] == ["freshness:rail"]
    assert state.status(house)["jobs"]["rail"]["is_late"]


# ------------------------------------------------------------------------------------- retries

# what the run failed with, outermost first | tried again
FAILURES = [
    ([("DagsterExecutionStepExecutionError", "x"), ("WriterBusy", "another process")], True),
    ([("duckdb.IOException", "IO Error: Could not set lock on file")], True),
    ([("OperationalError", "(sqlite3.OperationalError) database is locked")], True),
    ([("TimeoutError", "timed out")], True),
    ([("OSError", "[Errno 110] Connection timed out")], True),
    ([("OSError", "[Errno 28] No space left on device")], False),
    ([("PermissionError", "[Errno 13] Permission denied")], False),
    ([("RefusedInput", "a zip bomb")], False),
    ([("ContractBroken", "observation lacks a column")], False),
    ([("ReleaseRefused", "a check failed")], False),
    ([("KeyError", "'x'"), ("TimeoutError", "inner")], True),
    ([("TimeoutError", "outer"), ("ValueError", "the cause")], False),
    ([], False),
]


@pytest.mark.parametrize(("chain", "again"), FAILURES)
def test_only_what_may_pass_is_tried_again(chain: list[tuple[str, str]], again: bool) -> None:
    assert retries.is_passing(chain) is again


def test_a_failed_run_is_asked_for_twice_at_most_with_its_range() -> None:
    busy = [[("WriterBusy", "another process")]]
    tags = {
        "dagster/asset_partition_range_start": "a--1", "dagster/run_key": "k", "other": "x",
    }  # fmt: skip
    first = sensors.again("rail", "r1", tags, busy)
    assert isinstance(first, sensors.dg.RunRequest)
    assert first.tags.items() >= {
        ("dagster/asset_partition_range_start", "a--1"), (retries.ATTEMPT_TAG, "1"),
    }  # fmt: skip
    assert "other" not in first.tags
    second = sensors.again("rail", "r2", first.tags, busy)
    assert isinstance(second, sensors.dg.RunRequest)
    third = sensors.again("rail", "r3", second.tags, busy)
    assert isinstance(third, sensors.dg.SkipReason)
    lasting = [*busy, [("RefusedInput", "a bomb")]]
    assert isinstance(sensors.again("rail", "r1", tags, lasting), sensors.dg.SkipReason)


def test_the_drop_folder_is_taken_in_once_it_is_quiet(tmp_path: Path) -> None:
    """A file that is still being copied is not read half."""
    import dagster as dg

    from pipelines.definitions import build_defs

    drop = tmp_path / "drop"
    drop.mkdir()
    settings = Settings(warehouse=tmp_path / "warehouse", drop=drop)
    jobs = build_defs(settings).jobs
    sensor = sensors.build_sensors(settings, list(jobs or []))[0]  # type: ignore[arg-type]

    def tick(cursor: str | None) -> tuple[str | None, list[dg.RunRequest]]:
        context = dg.build_sensor_context(cursor=cursor)
        data = sensor.evaluate_tick(context)
        return data.cursor or cursor, list(data.run_requests or [])

    (drop / "a.csv").write_text("half")
    cursor, asked = tick(None)
    assert asked == []
    (drop / "a.csv").write_text("half and half")
    cursor, asked = tick(cursor)
    assert asked == [], "it grew meanwhile"
    cursor, asked = tick(cursor)
    assert [r.job_name for r in asked][-1] == "build_release"
    assert {r.job_name for r in asked} >= {"yearbook", "registry"}
    assert len({r.run_key for r in asked}) == len(asked)
    cursor, asked = tick(cursor)
    assert asked == []
    assert alerts.heartbeats(settings)["drop_folder"] is not None


@pytest.mark.parametrize("error", [MetrocircleError("a broken rule"), OSError(28, "disk full")])
def test_alerts_that_cannot_be_written_hide_no_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """On a full disk the refresh fails, and so does the log of alerts."""
    settings = Settings(warehouse=tmp_path)
    (tmp_path / "alerts").write_text("no folder")

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(refresh, "_refresh", fails)
    said: list[str] = []
    with pytest.raises(type(error), match=str(error.args[-1])):
        refresh.run(settings, staleness.plan(settings), said.append)
    assert said and said[0].startswith("alerts could not be written: [Errno 17]")

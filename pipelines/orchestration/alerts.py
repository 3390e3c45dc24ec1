"""Telling people what broke and what recovered: once per cause, in a log, by webhook, by mail.

Belongs here: causes that are open, who was told of them, the channels. Not here: finding out
whether something is wrong (quality, freshness, the runs).

A cause is told once to each channel and once more when it is gone. A channel that does not answer
is tried again the next time, for what it missed; it never stops a refresh. Addresses of channels
may hold secrets, so no text here names one.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import smtplib
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from pipelines.archive import acquire, guards
from pipelines.errors import MetrocircleError
from pipelines.lock import WriterBusy, alone
from pipelines.orchestration import freshness
from pipelines.quality import results
from pipelines.settings import Settings
from pipelines.yearbook import corrections

TIMEOUT_SECONDS = 10
MOST_TEXT = 2000
# A sensor beats every minute or so; ten minutes of silence are no hiccup.
SILENCE = timedelta(minutes=10)
SENSORS = ("drop_folder", "watch")
# Kinds of causes that `examine` looks for; those of jobs come and go with their runs.
SEEN_HERE = ("check", "release", "freshness", "heartbeat", "supply", "correction")


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong. key: the same for the same cause, however often it is seen.

    The part of the key before `:` says who sees it: check | release | job | freshness | heartbeat |
    supply | correction.
    """

    key: str
    title: str
    severity: str = "error"
    text: str = ""


@dataclass
class Open:
    """A cause that somebody was told of, or is to be told of."""

    key: str
    title: str
    severity: str
    text: str
    since: str
    told: list[str] = field(default_factory=list)
    recovered: str = ""
    told_recovery: list[str] = field(default_factory=list)


Message = tuple[Sequence[Open], Sequence[Open]]  # what broke, what recovered
Channel = Callable[[Settings, Message], None]


# ------------------------------------------------------------------------------------- causes


def examine(settings: Settings, now: datetime | None = None) -> list[Cause]:
    """What is wrong with the last run's checks, the release, arrivals and sensors, now."""
    now = now or datetime.now(UTC)
    return [
        *_check_causes(settings), *_late_causes(settings, now), *_silent_causes(settings, now),
        *_supply_causes(settings), *_review_causes(settings, now),
    ]  # fmt: skip


def _check_causes(settings: Settings) -> Iterable[Cause]:
    last = results.recorded(settings)
    if last is None:
        return
    if last["outcome"] == "held":
        yield Cause(
            f"release:held {last['release_id']}", f"release {last['release_id']} is held back",
            text="metrocircle diff shows what it changes; metrocircle use takes it into use",
        )  # fmt: skip
    elif last["outcome"] == "refused":
        yield Cause("release:refused", "the last run was refused; the release in use stays")
    for row in last["results"]:
        if row["status"] in ("fail", "warn"):
            where = f"{row['table_name']}.{row['rule_id']} [{row['slice']}]"
            text = f"{row['observed']}; expected: {row['expected']}; ask: {row['owner']}"
            yield Cause(f"check:{where}", f"{row['status']}: {where}", row["severity"], text)


def _late_causes(settings: Settings, now: datetime) -> Iterable[Cause]:
    for source in freshness.examine(settings, now):
        if source.is_late:
            yield Cause(
                f"freshness:{source.source}", f"{source.source} is late", "warning", source.text
            )


def _silent_causes(settings: Settings, now: datetime) -> Iterable[Cause]:
    """Sensors that stopped beating; a warehouse without schedules has none to expect."""
    if not settings.schedules_on:
        return
    for name, beat in heartbeats(settings).items():
        if beat is None or now - beat > SILENCE:
            last = "never" if beat is None else beat.isoformat(timespec="seconds")
            yield Cause(
                f"heartbeat:{name}", f"sensor {name} is silent", "error", f"last beat: {last}"
            )


def _supply_causes(settings: Settings) -> Iterable[Cause]:
    """A drop folder that went away, and files in it that cannot be read any more."""
    try:
        _, refusals = acquire.offered(settings)
    except MetrocircleError as error:
        yield Cause("supply:drop folder", "the drop folder cannot be read", "error", str(error))
        return
    for refusal in refusals:
        if refusal.outcome == "unreadable":
            file = acquire.logical(refusal.file)
            yield Cause(f"supply:{file}", f"{file} cannot be read", "error", refusal.reason)


def _review_causes(settings: Settings, now: datetime) -> Iterable[Cause]:
    with contextlib.suppress(MetrocircleError):  # a file that cannot be read stops the refresh
        for review in corrections.due(settings.sources, now.date()):
            yield Cause(
                f"correction:{review.by} {review.owner}",
                f"{len(review.ids)} corrections are due for review", "warning", review.text,
            )  # fmt: skip


# ----------------------------------------------------------------------------------- heartbeats


def _heart(settings: Settings, name: str) -> Path:
    return settings.alerts / f"heartbeat-{name}"


def beat(settings: Settings, name: str) -> None:
    """A sensor says that it lives."""
    settings.alerts.mkdir(parents=True, exist_ok=True)
    temporary = settings.alerts / f".heartbeat.{secrets.token_hex(4)}"
    temporary.write_text(datetime.now(UTC).isoformat(timespec="seconds"), encoding="ascii")
    temporary.replace(_heart(settings, name))


def heartbeats(settings: Settings) -> dict[str, datetime | None]:
    """The last beat of every sensor, None for one that never beat."""
    found: dict[str, datetime | None] = {}
    for name in SENSORS:
        try:
            found[name] = datetime.fromisoformat(_heart(settings, name).read_text("ascii").strip())
        except (OSError, ValueError):
            found[name] = None
    return found


# ------------------------------------------------------------------------------------- telling


def reconcile(settings: Settings, causes: Sequence[Cause], kinds: Iterable[str]) -> list[Open]:
    """Tell what is new and what is gone among the kinds of causes that were looked at.

    kinds: the parts of keys before `:`. A cause of another kind stays as it is.
    Returns the causes that stay open.
    """
    looked_at = set(kinds)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    settings.alerts.mkdir(parents=True, exist_ok=True)
    with alone(settings.alerts / ".lock", "is telling alerts"):
        known = {entry.key: entry for entry in read_open(settings)}
        current = {cause.key: cause for cause in causes}
        for key, cause in current.items():
            if key not in known or known[key].recovered:
                known[key] = Open(**asdict(_printable(cause)), since=now)
        for key, entry in known.items():
            if key.partition(":")[0] in looked_at and key not in current and not entry.recovered:
                entry.recovered = now
        for name, channel in channels(settings).items():
            _deliver(settings, name, channel, list(known.values()))
        left = [entry for entry in known.values() if not _is_done(entry)]
        _write_open(settings, left)
    return [entry for entry in left if not entry.recovered]


def _printable(cause: Cause) -> Cause:
    """The cause as every channel can carry it: names from a disk may be no UTF-8, and long."""

    def clean(text: str) -> str:
        return "\n".join(map(guards.shown, text[:MOST_TEXT].split("\n")))

    return replace(cause, title=clean(cause.title), text=clean(cause.text))


def _deliver(settings: Settings, name: str, channel: Channel, entries: Sequence[Open]) -> None:
    broke = [e for e in entries if not e.recovered and name not in e.told]
    mended = [e for e in entries if e.recovered and name in e.told and name not in e.told_recovery]
    if not broke and not mended:
        return
    try:
        channel(settings, (broke, mended))
    except (OSError, smtplib.SMTPException, ValueError) as error:
        # The class alone: the text may repeat an address with a secret in it.
        _append(settings, {"channel": name, "failed": type(error).__name__})
        return
    for entry in broke:
        entry.told.append(name)
    for entry in mended:
        entry.told_recovery.append(name)


def _is_done(entry: Open) -> bool:
    return bool(entry.recovered) and set(entry.told) <= set(entry.told_recovery)


def read_open(settings: Settings) -> list[Open]:
    """Causes that are open or not yet told to be gone; an unreadable file counts as none."""
    try:
        rows = json.loads((settings.alerts / "open.json").read_text(encoding="utf-8"))
        return [Open(**row) for row in rows]
    except (OSError, ValueError, TypeError):
        return []


def _write_open(settings: Settings, entries: Sequence[Open]) -> None:
    path = settings.alerts / "open.json"
    temporary = path.with_name(f".open.{secrets.token_hex(4)}")
    temporary.write_text(
        json.dumps([asdict(entry) for entry in entries], ensure_ascii=False, indent=1),
        encoding="utf-8",
    )
    temporary.replace(path)


# ------------------------------------------------------------------------------------- channels


def channels(settings: Settings) -> dict[str, Channel]:
    """The channels that the settings name; the log is always one."""
    found: dict[str, Channel] = {"log": _log}
    if settings.alert_webhook:
        found["webhook"] = _webhook
    if settings.alert_mail_to:
        found["mail"] = _mail
    return found


def text_of(message: Message) -> str:
    broke, mended = message
    lines = [
        f"{entry.severity.upper()} {entry.title}: {entry.text}".rstrip(": ") for entry in broke
    ]
    lines += [f"RECOVERED {entry.title} (since {entry.since})" for entry in mended]
    return "\n".join(lines)


def _log(settings: Settings, message: Message) -> None:
    broke, mended = message
    for entry in broke:
        _append(settings, {"opened": entry.key, "severity": entry.severity, "text": entry.text})
    for entry in mended:
        _append(settings, {"recovered": entry.key, "since": entry.since})


def _append(settings: Settings, event: Mapping[str, Any]) -> None:
    line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), **event}
    with (settings.alerts / "alerts.jsonl").open("a", encoding="utf-8") as handle:
        handle.write(json.dumps(line, ensure_ascii=False) + "\n")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What is wrong here is not told to whomever a webhook points on to."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _webhook(settings: Settings, message: Message) -> None:
    broke, mended = message
    body = {
        "text": text_of(message),
        "opened": [{"key": e.key, "severity": e.severity, "text": e.text} for e in broke],
        "recovered": [{"key": e.key, "since": e.since} for e in mended],
    }
    request = urllib.request.Request(
        settings.alert_webhook,
        data=json.dumps(body, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json; charset=utf-8"},
        method="POST",
    )
    with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS) as answer:
        answer.read(1024)


def _mail(settings: Settings, message: Message) -> None:
    broke, mended = message
    mail = EmailMessage()
    mail["From"] = settings.alert_mail_from
    mail["To"] = settings.alert_mail_to
    mail["Subject"] = f"metrocircle: {len(broke)} broken, {len(mended)} recovered"
    mail.set_content(text_of(message))
    host, _, port = settings.alert_smtp.partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=TIMEOUT_SECONDS) as server:
        user, _, password = settings.alert_smtp_login.partition(":")
        if user:
            server.starttls()
            server.login(user, password)
        server.send_message(mail)


def job_failed(settings: Settings, job: str, text: str) -> None:
    """Tell that a job failed; `job_succeeded` tells that it recovered."""
    with contextlib.suppress(WriterBusy):
        reconcile(settings, [Cause(f"job:{job}", f"{job} failed", "error", text)], ())


def job_succeeded(settings: Settings, job: str) -> None:
    others = [
        Cause(e.key, e.title, e.severity, e.text)
        for e in read_open(settings)
        if e.key.startswith("job:") and e.key != f"job:{job}" and not e.recovered
    ]
    with contextlib.suppress(WriterBusy):
        reconcile(settings, others, ("job",))


def watch(settings: Settings) -> list[Open]:
    """Look at everything that can be seen from the warehouse, and tell what changed.

    Who finds another process telling leaves it to that one.
    """
    try:
        return reconcile(settings, examine(settings), SEEN_HERE)
    except WriterBusy:
        return [entry for entry in read_open(settings) if not entry.recovered]

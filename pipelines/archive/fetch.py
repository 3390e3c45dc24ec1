"""The one polite fetcher: every live client asks through it.

Belongs here: manners (pace, back-off, when to stop), the allow-list, the journal that lets a killed
fetch go on, the raw archive of every answer. Not here: sockets (wire), and which addresses there
are or what an answer means (the `client.py` of each source).

A fetch is a *run*: a set of questions with one journal, `<warehouse>/fetching/<source>/<run>/
journal.jsonl`. An answer is checked, archived under its hash and journaled, in this order and each
on the disk before the next, so that a run killed at any moment asks again at most the one question
whose answer had not arrived. Failures are journaled nowhere and stay open; every attempt, good or
bad, is a line of the archive's acquisition log.

Nothing here pretends to be a browser, solves a challenge or goes round a limit: an answer that says
"not now" ends in a pause, then in the end of the run.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import requests
import urllib3
from urllib3.exceptions import InvalidHeader

from pipelines.archive import guards, store
from pipelines.archive.acquire import FETCHED
from pipelines.archive.wire import Bounds, OffLimits, Origin, TooLarge, TooSlow, Wire, origin_of
from pipelines.errors import MetrocircleError
from pipelines.lock import alone
from pipelines.settings import Settings

MOST_REDIRECTS = 5
_MOVED = {301, 302, 303, 307, 308}
_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
# The server speaks of us, not of the question: no other question will fare better.
_UNWELCOME = {401, 403, 407, 451}


class NoAnswer(MetrocircleError):
    """One question has no answer now; the run may go on with the next."""


class Absent(NoAnswer):
    """The server says that there is no such thing (404, 410)."""


class Stopped(MetrocircleError):
    """The run must end; what it has is kept, and the same command goes on from there."""


class NotTheAnswer(Exception):
    """Raised by a check: the body is not what was asked for (cut short, an error page, …)."""


class Challenge(NotTheAnswer):
    """Raised by a check: the server asks for a pause, a person or a log-in."""


@dataclass(frozen=True)
class Manners:
    """How a source is asked. Seconds throughout.

    interval_s: between two questions, plus up to `jitter` of it. attempts: for one question.
    backoff_s: before the second attempt; doubled each time up to backoff_most_s, halved at most by
        chance. A Retry-After of the server takes its place up to patience_s; beyond, the run stops.
    challenge_s: pause after a challenge; challenges: how many in a row before the run stops.
    failures: questions in a row without an answer before the run stops.
    """

    interval_s: float
    jitter: float = 0.5
    attempts: int = 4
    backoff_s: float = 5.0
    backoff_most_s: float = 120.0
    patience_s: float = 900.0
    challenge_s: float = 300.0
    challenges: int = 3
    failures: int = 5
    bounds: Bounds = field(default_factory=Bounds)

    def paced(self, factor: float) -> Manners:
        """Every wait times `factor`; what bounds an answer stays."""
        waits = ("interval_s", "backoff_s", "backoff_most_s", "challenge_s")
        return replace(self, **{name: getattr(self, name) * factor for name in waits})


@dataclass(frozen=True)
class Ask:
    """One question. look: tells a deliberate second look at the same address from the first."""

    url: str
    params: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    look: str = ""

    @property
    def method(self) -> str:
        return "GET" if self.form is None else "POST"

    @property
    def target(self) -> str:
        """The whole address. The order of parameters is kept: 12306 is said to mind it."""
        return f"{self.url}?{urlencode(self.params)}" if self.params else self.url

    @property
    def body(self) -> bytes | None:
        return None if self.form is None else urlencode(self.form).encode()

    @property
    def key(self) -> str:
        parts = (self.method, self.target, (self.body or b"").decode(), self.look)
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """One archived answer. path: its body in the archive, any Content-Encoding undone."""

    url: str
    status: int
    media: str
    sha256: str
    size: int
    asked_at: str
    path: Path

    def body(self) -> bytes:
        return self.path.read_bytes()

    def json(self) -> Any:
        """The body as JSON; NotTheAnswer when it is cut short or no JSON at all."""
        try:
            return json.loads(self.body().decode("utf-8-sig"))
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise NotTheAnswer(f"expected JSON: {error}") from None


Check = Callable[[Answer], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Site:
    """What a client may ask: its hosts, its manners, and where redirects to an error page go.

    name: tells two sites of one source apart, each with a pace and a lock of its own.
    """

    source: str
    origins: tuple[str, ...]
    manners: Manners
    error_page: str = r"(?!)"
    name: str = ""

    def at(self, base: str) -> Site:
        """The same protocol at a server of one's own on this machine (tests, rehearsals)."""
        origin = origin_of(base)
        if not origin.is_loopback:
            raise OffLimits(
                f"{base}: a stand-in must be on this machine, like http://127.0.0.1:8123"
            )
        return replace(self, origins=(str(origin),))


class Fetcher:
    """One run of questions to one site.

    Use as a context manager: it holds the source's lock, so that two fetches never double the pace.
    asked: requests sent by this process. reused: answers that the journal had.
    """

    def __init__(
        self,
        settings: Settings,
        site: Site,
        run: str,
        *,
        limit: int | None = None,
        say: Say = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.site = site
        self.base = site.origins[0]
        self.origins = {origin_of(origin) for origin in site.origins}
        self.manners = site.manners.paced(_pace(settings, self.origins))
        self.archive = settings.archive
        self.folder = settings.warehouse / "fetching" / (site.name or site.source)
        self.journal = self.folder / run / "journal.jsonl"
        self.limit = limit
        self.say = say
        self.sleep = sleep
        self.asked = self.reused = 0
        self._failures = self._challenges = 0
        self._wire = Wire(self.manners.bounds, user_agent(settings, self.origins))
        self._held: dict[str, dict[str, Any]] = {}
        self._next = 0.0

    def __enter__(self) -> Fetcher:
        busy = f"is fetching from the source {self.folder.name}"
        self._lock = alone(self.folder.resolve() / ".lock", busy)
        self._lock.__enter__()
        for entry in store.entries(self.journal):
            if "key" in entry:
                self._held[entry["key"]] = entry
        # A restart is no reason to ask sooner than the last process would have.
        if self.journal.exists():
            since = max(0.0, time.time() - self.journal.stat().st_mtime)
            self._next = time.monotonic() + max(0.0, self.manners.interval_s - since)
        return self

    def __exit__(self, *problem: object) -> None:
        self._wire.session.close()
        self._lock.__exit__(None, None, None)

    def holds(self, ask: Ask) -> bool:
        """Whether the journal has an answer to this question, other than that there is none."""
        return self._held.get(ask.key, {}).get("outcome") == "held"

    def get(self, ask: Ask, check: Check = lambda _: None, attempts: int | None = None) -> Answer:
        """The answer to a question, from the journal or from the site.

        `check` raises NotTheAnswer or Challenge. attempts: for a question whose failing says
        nothing about the site, such as a guess at a file name. Raises Absent, NoAnswer, Stopped.
        """
        held = self._held.get(ask.key)
        if held is not None and (self.archive / held["sha256"]).exists():
            self.reused += 1
            return self._again(ask, held)
        reasons: list[str] = []
        while len(reasons) < (attempts or self.manners.attempts):
            wait = self._backoff(len(reasons))
            try:
                answer = self._once(ask, check)
            except (Absent, Stopped, OffLimits):
                raise
            except _Later as later:
                wait = later.seconds
                reasons.append(str(later))
            except Challenge as challenge:
                wait = self._challenged(ask, challenge)
                reasons.append(_short(challenge))
            except TooLarge as error:
                # Asked again it would be as large.
                reasons.append(str(error))
                break
            except (
                NotTheAnswer, TooSlow, requests.RequestException, urllib3.exceptions.HTTPError
            ) as error:  # fmt: skip
                reasons.append(_short(error))
            else:
                self._failures = self._challenges = 0
                return answer
            self._next = max(self._next, time.monotonic() + wait)
        self._failures += attempts is None
        text = f"{ask.target}: no answer after {len(reasons)} attempts: {reasons[-1]}"
        if self._failures >= self.manners.failures:
            raise Stopped(
                f"{text}; {self._failures} questions in a row failed, so the run ends here"
            )
        raise NoAnswer(text)

    def note(self, ask: Ask, outcome: str, **fields: str | int) -> None:
        """A line in the acquisition log about a question of this run."""
        store.log(self.archive, outcome, source_id=self.site.source, origin=ask.target, **fields)

    def _again(self, ask: Ask, held: Mapping[str, Any]) -> Answer:
        if held["outcome"] == "absent":
            raise Absent(f"{ask.target}: HTTP {held['status']} (asked {held['asked_at']})")
        return Answer(
            held["url"], held["status"], held["media"], held["sha256"], held["bytes"],
            held["asked_at"], self.archive / held["sha256"],
        )  # fmt: skip

    def _once(self, ask: Ask, check: Check) -> Answer:
        """Ask once: wait for the turn, follow redirects in the list, archive, check, journal."""
        method, url, body = ask.method, ask.target, ask.body
        for _ in range(MOST_REDIRECTS + 1):
            self._may_ask(url)
            self._wait()
            with self._logged(ask, url) as facts:
                answer, location = self._exchange(method, url, body, ask, facts)
                if answer is not None:
                    self._judge(ask, answer, check, facts)
                    return answer
                facts["outcome"] = "redirected"
                facts["location"] = location
                if re.search(self.site.error_page, location):
                    raise Challenge(f"redirected to the error page {location}")
                url = location
                if origin_of(url) not in self.origins:
                    raise Stopped(
                        f"{ask.target} redirects to {guards.shown(url)}, which is not on the list "
                        f"of hosts ({', '.join(sorted(map(str, self.origins)))}); nothing was "
                        "asked there"
                    )
                if facts["status"] not in {307, 308}:
                    method, body = "GET", None
        raise NotTheAnswer(f"more than {MOST_REDIRECTS} redirects")

    def _exchange(
        self, method: str, url: str, body: bytes | None, ask: Ask, facts: dict[str, Any]
    ) -> tuple[Answer | None, str]:
        headers = dict(ask.headers)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.asked += 1
        with self._wire.open(method, url, body, headers) as (response, pieces):
            facts["status"] = response.status_code
            if response.status_code in _MOVED and (to := response.headers.get("Location")):
                return None, _target(url, to)
            path, sha256, size = store.receive(self.archive, pieces)
            media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            facts |= {"sha256": sha256, "bytes": size, "media": media}
            later = response.headers.get("Retry-After")
        if later is not None and response.status_code in {429, 503}:
            raise self._later(response.status_code, later)
        answer = Answer(
            _plain(url), response.status_code, media, sha256, size, facts["asked_at"], path
        )
        return answer, ""

    def _judge(self, ask: Ask, answer: Answer, check: Check, facts: dict[str, Any]) -> None:
        """Let the answer pass and journal it, or raise what it is instead."""
        if answer.status in _GONE:
            facts["outcome"] = "absent"
            self._remember(ask, answer, "absent")
            raise Absent(f"{ask.target}: HTTP {answer.status}")
        if answer.status in _UNWELCOME:
            raise Stopped(
                f"{ask.target}: HTTP {answer.status}: the site does not want to be asked; "
                "read its terms before you try again"
            )
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Challenge("HTTP 429: too many requests")
        if answer.status != HTTPStatus.OK:
            raise NotTheAnswer(f"HTTP {answer.status}")
        check(answer)
        facts["outcome"] = "fetched"
        self._remember(ask, answer, "held")

    def _remember(self, ask: Ask, answer: Answer, outcome: str) -> None:
        entry = {
            "key": ask.key, "outcome": outcome, "question": ask.target, "url": answer.url,
            "status": answer.status, "media": answer.media, "sha256": answer.sha256,
            "bytes": answer.size, "asked_at": answer.asked_at, "look": ask.look,
        }  # fmt: skip
        store.append(self.journal, entry, durable=True)
        self._held[ask.key] = entry

    @contextmanager
    def _logged(self, ask: Ask, url: str) -> Iterator[dict[str, Any]]:
        """One line of the acquisition log for whatever happens inside."""
        facts: dict[str, Any] = {"outcome": "failed", "asked_at": _now()}
        try:
            yield facts
        except Exception as error:
            if facts["outcome"] == "failed":
                facts["reason"] = _short(error)
            raise
        finally:
            fields = {k: v for k, v in facts.items() if k not in {"outcome", "asked_at"}}
            outcome = f"live_{facts['outcome']}"
            store.log(
                self.archive, outcome, source_id=self.site.source, origin=url,
                method=ask.method, **fields,
            )  # fmt: skip

    def _may_ask(self, url: str) -> None:
        if origin_of(url) not in self.origins:
            raise OffLimits(f"{url}: its host is not on the list of {self.site.source}")
        if self.limit is not None and self.asked >= self.limit:
            raise Stopped(f"the limit of {self.limit} questions is reached; run again to go on")

    def _wait(self) -> None:
        pause = self._next - time.monotonic()
        if pause > 0:
            if pause > 30:
                self.say(f"waiting {pause:.0f} s")
            self.sleep(pause)
        interval = self.manners.interval_s
        self._next = time.monotonic() + interval * (1 + random.uniform(0, self.manners.jitter))

    def _backoff(self, failed: int) -> float:
        manners = self.manners
        wait = min(manners.backoff_most_s, manners.backoff_s * 2**failed)
        return wait * random.uniform(0.5, 1.0)

    def _challenged(self, ask: Ask, challenge: Challenge) -> float:
        self._challenges += 1
        if self._challenges >= self.manners.challenges:
            raise Stopped(
                f"{ask.target}: {_short(challenge)}; {self._challenges} times in a row, so the "
                "run ends here: come back in some hours with the same command"
            )
        self.say(f"{_short(challenge)}: pausing")
        return self.manners.challenge_s * 2 ** (self._challenges - 1)

    def _later(self, status: int, text: str) -> Exception:
        """What a Retry-After means: a wait we can afford, or the end of the run."""
        try:
            seconds = urllib3.Retry().parse_retry_after(text)
        except (InvalidHeader, ValueError, OverflowError):
            return NotTheAnswer(f"HTTP {status}")
        if seconds > self.manners.patience_s:
            return Stopped(f"HTTP {status}: the site asks to come back in {seconds:.0f} s; do so")
        return _Later(f"HTTP {status}, Retry-After {seconds:.0f} s", seconds)


class _Later(Exception):
    """The server named the time to wait."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _short(error: BaseException) -> str:
    """An error in one line that is safe to print, without the address of an object in memory.

    A server's words are in it: no escape sequence of theirs may reach the terminal.
    """
    text = re.sub(r"<[^<>]* object at 0x[0-9a-f]+>(, )?", "", str(error) or type(error).__name__)
    return guards.shown(text[:300])


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise NotTheAnswer(f"redirected to {location[:200]!r}, which is no address") from None


def _plain(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(fragment=""))


def _pace(settings: Settings, origins: set[Origin]) -> float:
    """The factor on every wait; only a server on this machine may be asked faster than that."""
    if settings.fetch_pace >= 1 or all(origin.is_loopback for origin in origins):
        return settings.fetch_pace
    raise OffLimits(
        f"METROCIRCLE_FETCH_PACE={settings.fetch_pace:g} would ask a real site faster than its "
        "manners; only a stand-in on this machine may be"
    )


def user_agent(settings: Settings, origins: set[Origin]) -> str:
    """Who asks. A real site is told whom to write to; MetrocircleError without a contact."""
    try:
        number = version("metrocircle")
    except PackageNotFoundError:
        number = "0"
    contact = settings.fetch_contact
    if not contact:
        if not all(origin.is_loopback for origin in origins):
            raise MetrocircleError(
                "the sites are told who asks: set METROCIRCLE_FETCH_CONTACT to a mail or web "
                "address"
            )
        contact = "local test"
    return f"metrocircle/{number} (+{contact})"


def permitted(settings: Settings, source: str, base: str | None) -> None:
    """MetrocircleError unless live fetching from the source is switched on.

    A stand-in on this machine needs no permission.
    """
    if base is None and source not in settings.fetch:
        on = ", ".join(sorted(settings.fetch)) or "none"
        raise MetrocircleError(
            f"live fetching from {source} is switched off (switched on: {on}). Read "
            f"sources/{source}/README.md and the terms of the site, then set "
            f"METROCIRCLE_FETCH={source} and METROCIRCLE_FETCH_CONTACT"
        )


Start = Callable[[str], Fetcher]


def start(settings: Settings, site: Site, base: str | None, limit: int | None, say: Say) -> Start:
    """How a command starts a run of that name; `base` is a stand-in on this machine, or None."""
    if limit is not None and limit < 1:
        raise MetrocircleError(f"--limit: expected a number from 1, found {limit}")
    asked = site if base is None else site.at(base)
    return partial(Fetcher, settings, asked, limit=limit, say=say)


def place(settings: Settings, source: str, name: str, content: bytes) -> Path:
    """Write a file into the folder of fetched sets, whole or not at all; the extract step finds it.

    `<warehouse>/fetched/<source>/<name>`. Equal bytes are left alone, so that nothing goes stale.
    """
    path = settings.warehouse / FETCHED / source / name
    if path.exists() and path.read_bytes() == content:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    # Hidden until whole: the folder is read by whoever refreshes meanwhile.
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as sink:
        sink.write(content)
        sink.flush()
        os.fsync(sink.fileno())
    temporary.replace(path)
    return path

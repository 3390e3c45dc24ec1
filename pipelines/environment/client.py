"""The live clients of the environment: the province's bulletins, the national platform's hours.

Belongs here: which addresses there are, what an answer must echo, late and frozen values, how
answers become files. Not here: how politely they are asked (archive.fetch), and reading those files
(bulletin, hours).

**Bulletins.** The index pages of a column of gdee.gd.gov.cn name the bulletins by title; each one
not yet held is fetched once. The page must be whole and bear the title and period of its link: ids
follow no order. A page whose table is a picture is kept too; the reader says so.
Assembled: `<warehouse>/fetched/environment/bulletins/<edition>_post_<id>.html`, as served.

**Hours.** The platform serves the hour it is at and no other, and values arrive late: an hour is
read again while it lasts, and the latest reading with as many values becomes its file; every
reading stays in the archive. A station whose values do not move for `FROZEN_HOURS` hours is
reported; an hour in which nearly every station repeats the hour before is a frozen platform and
becomes no file.
Assembled: `<warehouse>/fetched/environment/hours/<date>/<date>T<hour>.wcf`, the reply as served.

Both: `<warehouse>/fetching/environment_*/<run>/report.json` says what was found and what was not.
"""

from __future__ import annotations

import json
import re
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from pipelines.archive.acquire import FETCHED
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
    Start,
    place,
)
from pipelines.archive.wire import Bounds, OffLimits, origin_of
from pipelines.environment import pages, titles, wcf
from pipelines.errors import LayoutDrift, MetrocircleError, RefusedInput
from pipelines.settings import Settings

BULLETINS = Site(
    source="environment",
    name="environment_bulletins",
    origins=("https://gdee.gd.gov.cn", "http://gdee.gd.gov.cn"),
    manners=Manners(interval_s=6.0, bounds=Bounds(most_bytes=8 << 20)),
)
HOURS = Site(
    source="environment",
    name="environment_hours",
    origins=("https://air.cnemc.cn:18007",),
    # Three readings an hour.
    manners=Manners(
        interval_s=1200.0,
        jitter=0.05,
        attempts=3,
        backoff_s=60.0,
        bounds=Bounds(most_bytes=32 << 20),
    ),
)
# Columns in which bulletins were seen; one text may stand in several, under other ids.
COLUMNS = ("xwfb4199", "pm", "zlpm")
SERVICE = (
    "/emcpublish/ClientBin/Env-CnemcPublish-RiaServices-EnvCnemcPublishDomainService.svc/binary/"
    "GetAQIDataPublishLives"
)
# Ozone by both names: which one is the hour's is for the reader to find.
POLLUTANTS = ("PM2_5", "PM10", "SO2", "NO2", "CO", "O3", "O3_24h")
RECORD = "AQIDataPublishLive"
# A sensor that hangs repeats all six; two equal hours happen in clean air.
FROZEN_HOURS = 3
# Share of stations that repeat the hour before when the platform itself hangs.
FROZEN_SHARE = 0.9
# The platform is at most so far from the clock; its time is Beijing's.
BEHIND, AHEAD = timedelta(hours=6), timedelta(hours=1)

_POST = re.compile(r"/content/(?:post_|\d+/\d+/post_)(\d+)(?:\.html)?$")
_FURTHER = re.compile(r"/index_(\d{1,3})\.html$")


# --- bulletins -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Link:
    url: str
    title: str


@dataclass
class BulletinReport:
    """What the indexes name, what is held, what could not be had."""

    indexes: list[str] = field(default_factory=list)
    named: int = 0
    held: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    asked: int = 0
    reused: int = 0
    files: list[str] = field(default_factory=list)


class _Links(HTMLParser):
    """Every link with its title: the attribute if there is one, for texts are cut short."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Link] = []
        self.href = self.title = ""
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            given = dict(attrs)
            self.href, self.title = given.get("href") or "", given.get("title") or ""
            self.words = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self.href:
            text = " ".join("".join(self.words).split())
            self.found.append(Link(self.href, self.title.strip() or text))
            self.href = ""


def links_of(answer: Answer, url: str) -> list[Link]:
    """The links of a page, their addresses made whole; NotTheAnswer when the page is cut short."""
    text = _whole_page(answer)
    reader = _Links()
    reader.feed(text)
    found = []
    for link in reader.found:
        try:
            whole = urljoin(url, link.url)
        except ValueError:
            continue
        # An address is printed in reports: none may carry an escape sequence.
        if whole.isprintable():
            found.append(Link(whole, link.title))
    return found


def _whole_page(answer: Answer) -> str:
    try:
        text = pages.decoded(answer.body(), answer.url)
    except RefusedInput as error:
        raise NotTheAnswer(str(error)) from None
    if "</html>" not in text[-4096:].lower():
        raise NotTheAnswer("the page has no end")
    return text


def editions_of(text: str) -> set[str]:
    """The periods that a title names, as editions of a bulletin; empty for any other title."""
    return {edition for edition, _ in titles.periods(pages.text_lines(text))}


def check_index(answer: Answer) -> None:
    """NotTheAnswer or Challenge unless the page is a list of posts."""
    if not any(_POST.search(urlsplit(link.url).path) for link in links_of(answer, answer.url)):
        raise NotTheAnswer("an index that names no post: perhaps a script makes its list")


def check_bulletin(answer: Answer, editions: set[str]) -> None:
    """NotTheAnswer unless the page's own title bears the period of the link that led to it."""
    _whole_page(answer)
    found = {edition for edition, _ in titles.periods(pages.lines_of(answer.body(), answer.url))}
    if not found:
        raise NotTheAnswer("the page has no bulletin's title")
    if not found & editions:
        raise NotTheAnswer(
            f"the link says {', '.join(sorted(editions))}, the page {', '.join(sorted(found))}"
        )


def bulletins(
    fetcher: Fetcher, settings: Settings, columns: Sequence[str], most_pages: int
) -> BulletinReport:
    """Fetch every bulletin that the indexes of the columns name and that is not held yet."""
    report = BulletinReport()
    # An index changes, a post does not: the one is asked once a day, the other once.
    today = time.strftime("%Y-%m-%d", time.gmtime())
    named: dict[str, Link] = {}
    for column in columns:
        for link in _index(fetcher, column, most_pages, today, report):
            if titles.is_meant(pages.simplified(link.title)) and editions_of(link.title):
                named.setdefault(link.url, link)
    report.named = len(named)
    for link in named.values():
        _post(fetcher, settings, link, report)
        fetcher.say(f"{len(report.held)} of {report.named} bulletins held")
    report.asked, report.reused = fetcher.asked, fetcher.reused
    return report


def _index(
    fetcher: Fetcher, column: str, most_pages: int, today: str, report: BulletinReport
) -> list[Link]:
    first = f"{fetcher.base}/{column}/index.html"
    wanted, found = [first], []
    seen: set[str] = set()
    while wanted and len(seen) < most_pages:
        url = wanted.pop(0)
        seen.add(url)
        try:
            answer = fetcher.get(Ask(url, look=today), check_index)
        except NoAnswer as error:
            report.failed.append({"what": url, "reason": str(error)})
            continue
        report.indexes.append(url)
        for link in links_of(answer, answer.url):
            further = _FURTHER.search(urlsplit(link.url).path)
            if further and link.url not in seen and link.url not in wanted:
                wanted.append(link.url)
            elif _POST.search(urlsplit(link.url).path):
                found.append(link)
        wanted.sort(key=lambda each: int((_FURTHER.search(each) or ["", "0"])[1]))
    return found


def _post(fetcher: Fetcher, settings: Settings, link: Link, report: BulletinReport) -> None:
    editions = editions_of(link.title)
    try:
        if origin_of(link.url) not in fetcher.origins:
            report.elsewhere.append(link.url)
            return
        answer = fetcher.get(Ask(link.url), lambda answer: check_bulletin(answer, editions))
    except (NoAnswer, OffLimits) as error:
        report.failed.append({"what": link.url, "reason": str(error)})
        return
    number = (_POST.search(urlsplit(link.url).path) or ["", "0"])[1]
    name = f"bulletins/{min(editions)}_post_{number}.html"
    path = place(settings, "environment", name, answer.body())
    report.held.append(link.url)
    report.files.append(path.relative_to(settings.warehouse).as_posix())


# --- hours of the platform -------------------------------------------------------------------


@dataclass
class HourReport:
    """What the readings held: hours, values that came late, what did not move."""

    readings: int = 0
    hours: list[str] = field(default_factory=list)
    late_values: dict[str, int] = field(default_factory=dict)
    fewer_values: list[str] = field(default_factory=list)
    frozen_stations: dict[str, list[str]] = field(default_factory=dict)
    frozen_hours: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    asked: int = 0
    files: list[str] = field(default_factory=list)


Values = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Hour:
    """One reading. values: station -> its six concentrations as printed, missing ones empty."""

    moment: datetime
    values: Values

    @property
    def filled(self) -> int:
        return sum(text != "" for row in self.values.values() for text in row)


def hour_of(body: bytes, name: str) -> Hour:
    """A reply of the platform as one hour; NotTheAnswer when cut short or of several hours."""
    if body.lstrip()[:1] == b"<":
        raise Challenge("a page where data were asked for")
    try:
        rows = wcf.records(body, RECORD)
        claimed = _claimed(wcf.events(body))
    except LayoutDrift as error:
        raise NotTheAnswer(f"{name}: {error}") from None
    if claimed is not None and claimed != len(rows):
        raise NotTheAnswer(f"{len(rows)} stations, the reply says {claimed}: it is cut short")
    moments = {row.get("TimePoint", "") for row in rows}
    if len(moments) != 1:
        raise NotTheAnswer(f"expected one hour, found {sorted(moments)[:3]}")
    try:
        moment = datetime.fromisoformat(min(moments))
    except ValueError:
        raise NotTheAnswer(f"expected a time, found {min(moments)!r}") from None
    values = {
        row["StationCode"]: tuple(
            "" if _is_missing(text := row.get(field, "")) else text for field in POLLUTANTS
        )
        for row in rows
        if row.get("StationCode")
    }
    if not any(any(row) for row in values.values()):
        raise NotTheAnswer("no station with a value")
    return Hour(moment, values)


def _is_missing(text: str) -> bool:
    return text.strip() in {"", "—", "&mdash;", "-;", "-", "0", "_"}


def _claimed(events: Iterable[tuple[str, str]]) -> int | None:
    """The number of records that the reply itself states."""
    name = ""
    for kind, value in events:
        if kind == "start":
            name = value
        elif kind == "text" and name == "TotalCount":
            return int(value) if value.isdecimal() else None
    return None


def check_hour(answer: Answer, now: datetime) -> None:
    """NotTheAnswer or Challenge unless it is a whole hour near the clock (both Beijing time)."""
    moment = hour_of(answer.body(), answer.url).moment
    if not now - BEHIND <= moment <= now + AHEAD:
        raise NotTheAnswer(f"the platform is at {moment}, the clock in Beijing at {now:%F %H:%M}")


def beijing() -> datetime:
    """The clock in Beijing, without its zone, as the platform writes times."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)


def hourly(
    fetcher: Fetcher, settings: Settings, readings: int, now: Callable[[], datetime] = beijing
) -> HourReport:
    """Read the platform so many times, at the pace of its manners, and keep the hours."""
    report = HourReport()
    for number in range(readings):
        look = f"{time.time():.6f}/{number}"
        ask = Ask(fetcher.base + SERVICE, look=look)
        try:
            answer = fetcher.get(ask, lambda answer: check_hour(answer, now()))
        except Absent:
            raise
        except NoAnswer as error:
            report.failed.append({"what": SERVICE.rpartition("/")[2], "reason": str(error)})
            continue
        report.readings += 1
        _keep(settings, answer, report)
        fetcher.say(f"reading {number + 1} of {readings}: hour {report.hours[-1]}")
    report.asked = fetcher.asked
    return report


def _file(settings: Settings, moment: datetime) -> Path:
    name = f"hours/{moment:%Y-%m-%d}/{moment:%Y-%m-%dT%H}.wcf"
    return settings.warehouse / FETCHED / "environment" / name


def _held(settings: Settings, moment: datetime) -> Hour | None:
    path = _file(settings, moment)
    return hour_of(path.read_bytes(), path.name) if path.exists() else None


def _keep(settings: Settings, answer: Answer, report: HourReport) -> None:
    new = hour_of(answer.body(), answer.url)
    hour = f"{new.moment:%Y-%m-%dT%H}"
    report.hours = list(dict.fromkeys([*report.hours, hour]))
    before = [_held(settings, new.moment - n * timedelta(hours=1)) for n in range(1, FROZEN_HOURS)]
    if before[0] is not None and _repeated(new, before[0]) >= FROZEN_SHARE:
        report.frozen_hours = list(dict.fromkeys([*report.frozen_hours, hour]))
        return
    frozen = _unmoved([new, *before])
    if frozen:
        report.frozen_stations[hour] = frozen
    old = _held(settings, new.moment)
    if old is not None:
        if new.filled < old.filled:
            report.fewer_values.append(f"{hour}: {new.filled} values, {old.filled} held")
            return
        if changed := _changed(new, old):
            report.late_values[hour] = report.late_values.get(hour, 0) + changed
    folder = settings.warehouse / FETCHED / "environment"
    name = _file(settings, new.moment).relative_to(folder).as_posix()
    path = place(settings, "environment", name, answer.body())
    file = path.relative_to(settings.warehouse).as_posix()
    report.files = list(dict.fromkeys([*report.files, file]))


def _repeated(new: Hour, old: Hour) -> float:
    """Share of the stations with values in both hours that repeat all of them."""
    both = [code for code in new.values if any(new.values[code]) and any(old.values.get(code, ()))]
    return sum(new.values[c] == old.values[c] for c in both) / len(both) if both else 0.0


def _unmoved(hours: Sequence[Hour | None]) -> list[str]:
    """Stations that print the same values in every one of the hours; none if one is not held."""
    held = [hour.values for hour in hours if hour is not None]
    if len(held) < len(hours):
        return []
    return sorted(
        code
        for code, row in held[0].items()
        if any(row) and all(values.get(code) == row for values in held[1:])
    )


def _changed(new: Hour, old: Hour) -> int:
    return sum(
        a != b
        for code, row in new.values.items()
        for a, b in zip(row, old.values.get(code, ("",) * len(row)), strict=False)
    )


# --- the command -----------------------------------------------------------------------------


def site(options: Namespace) -> Site:
    return HOURS if options.what == "hours" else BULLETINS


def run(settings: Settings, start: Start, options: Namespace) -> dict[str, Any]:
    """`metrocircle fetch environment bulletins|hours`: the report, written beside the journal."""
    if options.what == "bulletins":
        for column in options.column:
            if not re.fullmatch(r"[a-z0-9_]+(?:/[a-z0-9_]+)*", column):
                raise MetrocircleError(f"--column: expected one like pm, found {column!r}")
        with start("all") as fetcher:
            columns = options.column or COLUMNS
            return _written(fetcher, bulletins(fetcher, settings, columns, options.pages))
    if not 1 <= options.readings <= 3000:
        raise MetrocircleError(f"--readings: expected 1 to 3000, found {options.readings}")
    # A journal a month: no reading is ever asked for again, so none must be found quickly.
    with start(time.strftime("%Y-%m", time.gmtime())) as fetcher:
        return _written(fetcher, hourly(fetcher, settings, options.readings))


def _written(fetcher: Fetcher, report: BulletinReport | HourReport) -> dict[str, Any]:
    facts = asdict(report)
    path = fetcher.journal.with_name("report.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    return facts

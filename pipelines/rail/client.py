"""The live client of 12306: the timetable of one date, or of a few in a row, as a file of trains.

Belongs here: which questions make a snapshot, what an answer must echo, how the answers become one
file. Not here: how politely they are asked (archive.fetch), and reading that file (cr, timetable).

What is asked (`sources/rail/README.md` says what is known of each address):

    station table      GET  kyfw.12306.cn/otn/resources/js/framework/station_name.js
    presale window     POST kyfw.12306.cn/otn/login/conf
    trains of a date   GET  search.12306.cn/search/v1/train/search?keyword=PREFIX&date=YYYYMMDD
    stops of a train   GET  kyfw.12306.cn/otn/czxx/queryByTrainNo?train_no=…
    control, if asked  GET  kyfw.12306.cn/otn/leftTicket/init, then the query that it names

The list of a date is found by prefix: each letter and digit, and one character deeper wherever the
answer is full (200 trains). The stops are asked once per `train_no`, whatever the number of dates.

The assembled form is `<warehouse>/fetched/rail/12306_<first>_<last>/cr<YYMMDD>.min.csv`, the form
that `cr` reads, based on the first date. Every train carries its dates (`261202-03`), so the
window is what they span; the refresh takes it as the edition `<first>_<last>` of
`cr_timetable_live`. Beside the journal, in `<warehouse>/fetching/rail/<run>/`, lie `report.json`
(what was asked, what is missing and why) and the station table as served; the raw answers lie in
the archive under the hashes of the journal.

An empty list is not evidence: outside the window, with a wrong date or on a bad day 12306 answers
`[]` with status true. An empty answer is asked once more at the end, a train without stops is
missing, and a snapshot that misses more than `MOST_MISSING` of its trains is not assembled.
"""

from __future__ import annotations

import json
import re
import time
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any, TypeVar

from pipelines.archive.fetch import (
    Answer,
    Ask,
    Challenge,
    Fetcher,
    Manners,
    NoAnswer,
    NotTheAnswer,
    Site,
    Start,
    Stopped,
    place,
)
from pipelines.errors import MetrocircleError
from pipelines.settings import Settings

SITE = Site(
    source="rail",
    origins=("https://kyfw.12306.cn", "https://search.12306.cn"),
    # One who crawled the nation slept 300 s after every 50 calls; this is the same rate, evenly.
    manners=Manners(interval_s=6.0, attempts=4, backoff_s=10.0, challenge_s=300.0, challenges=3),
    error_page=r"/mormhweb/logFiles/error|/ntce/|resources/error",
)
# The search answers with at most so many trains; a full answer may have left some out.
FULL = 200
# No code starts with 0, nor has one after its letter; the letters in use change (S, C are newer).
ROOTS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789")
DEEPEST = 6
# Share of the listed trains that may lack stops: the archives of others lack 21 of 14,851.
MOST_MISSING = 0.005

_TRAIN_NO = re.compile(r"[0-9A-Za-z/]{12}")
_CODE = re.compile(r"[A-Z]?[0-9]{1,5}")
_SEARCH = re.compile(r"leftTicket/query[A-Z]?")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_TABLE = re.compile(r"^\s*var station_names\s*=\s*'([^']*)'\s*;?\s*$")
_DAY = timedelta(days=1)
Read = TypeVar("Read")


@dataclass(frozen=True)
class Station:
    telecode: str
    name: str
    city_code: str
    city: str


@dataclass(frozen=True)
class Listed:
    """A train as the search lists it. total: the number of stops it claims."""

    train_no: str
    code: str
    origin: str
    terminal: str
    total: int | None


@dataclass(frozen=True)
class Stop:
    """A stop as answered. Minutes since the departure from the first stop; null at the ends."""

    station: str
    arrive: int | None
    depart: int | None


@dataclass(frozen=True)
class Course:
    """What a train does: its code at the first stop, when it leaves there (minute of the day)."""

    code: str
    origin_minute: int
    stops: tuple[Stop, ...]


@dataclass
class Report:
    """What a snapshot holds and what it lacks."""

    dates: list[str]
    asked_on: str = ""
    presale: list[str] = field(default_factory=list)
    stations: int = 0
    trains: int = 0
    trains_by_date: dict[str, int] = field(default_factory=dict)
    stops: int = 0
    missing: list[dict[str, str]] = field(default_factory=list)
    empty_prefixes: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    unknown_stations: list[str] = field(default_factory=list)
    controls: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    asked: int = 0
    reused: int = 0
    files: list[str] = field(default_factory=list)


def bare(name: str) -> str:
    """A station name without blanks: a second yard of a station is written with some inside."""
    return re.sub(r"\s+", "", name)


# --- what an answer must be ------------------------------------------------------------------


def _payload(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer; Challenge when it is a page for people."""
    head = answer.body()[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<"):
        text = " ".join(re.sub(r"<[^>]*>", " ", head.decode("utf-8", "replace")).split())
        raise Challenge(f"a page where data were asked for: {text[:80]!r}")
    payload = answer.json()
    if not isinstance(payload, dict):
        raise NotTheAnswer("expected a JSON object")
    if payload.get("status") is not True:
        raise NotTheAnswer(f"status is not true: {_told(payload) or str(payload)[:80]}")
    return payload


def _told(payload: dict[str, Any]) -> str:
    messages = payload.get("messages") or payload.get("errorMsg") or ""
    return "; ".join(map(str, messages)) if isinstance(messages, list) else str(messages)


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise NotTheAnswer(f"expected text under {name!r}, found {str(value)[:40]!r}")
    return value


def stations_of(answer: Answer) -> list[Station]:
    """The station table; NotTheAnswer unless it is whole and every record has a known width."""
    text = answer.body().decode("utf-8-sig", errors="replace")
    if text.lstrip().startswith("<"):
        raise Challenge("a page where the station table was asked for")
    whole = _TABLE.match(text)
    if whole is None:
        raise NotTheAnswer("expected var station_names ='…' to its closing quote")
    # A station may appear under several lines, and 11 fields became more: only fewer are refused.
    found = []
    for record in whole[1].split("@")[1:]:
        cells = record.split("|")
        if len(cells) != 6 and len(cells) < 11:
            raise NotTheAnswer(f"expected 6 or 11 fields, found {len(cells)} in {record[:60]!r}")
        city = (cells[6], cells[7]) if len(cells) >= 11 else ("", "")
        found.append(Station(cells[2], cells[1], *city))
    if not found:
        raise NotTheAnswer("the station table is empty")
    return found


def check_stations(answer: Answer) -> None:
    """NotTheAnswer or Challenge unless the answer is a whole station table."""
    stations_of(answer)


def presale_of(answer: Answer) -> tuple[date, int]:
    """(today, days on sale) by 12306's own clock."""
    data = _payload(answer).get("data")
    if not isinstance(data, dict):
        raise NotTheAnswer("expected data in login/conf")
    now, days = str(data.get("nowStr", "")), data.get("other_control")
    try:
        today = date(int(now[:4]), int(now[4:6]), int(now[6:8]))
        control = int(str(days))
    except ValueError:
        raise NotTheAnswer(f"expected nowStr and other_control, found {now!r}, {days!r}") from None
    if not 1 <= control <= 120:
        raise NotTheAnswer(f"expected 1 to 120 days on sale, found {control}")
    return today, control


def listed_of(answer: Answer, prefix: str) -> list[Listed]:
    """The trains of one search; NotTheAnswer when one does not start with what was asked."""
    data = _payload(answer).get("data")
    if not isinstance(data, list):
        raise NotTheAnswer(f"expected a list of trains, found {str(data)[:40]!r}")
    found = []
    for row in data:
        if not isinstance(row, dict):
            raise NotTheAnswer(f"expected a train, found {str(row)[:40]!r}")
        total = str(row.get("total_num", ""))
        train = Listed(
            _text(row, "train_no"),
            _text(row, "station_train_code"),
            _text(row, "from_station"),
            _text(row, "to_station"),
            int(total) if total.isdecimal() else None,
        )
        if not (_TRAIN_NO.fullmatch(train.train_no) and _CODE.fullmatch(train.code)):
            raise NotTheAnswer(f"no train: {train.train_no!r} {train.code!r}")
        if not train.code.startswith(prefix):
            raise NotTheAnswer(f"asked for {prefix}…, answered with {train.code}")
        found.append(train)
    return found


def course_of(answer: Answer, trains: Sequence[Listed]) -> Course:
    """The stops of a train, each later than the one before.

    trains: the listings of this train_no. NotTheAnswer when the list is empty, has a gap in its
    numbers, ends elsewhere than the listing says, or holds a time that is none.
    """
    payload = _payload(answer)
    data = payload.get("data")
    rows = data.get("data") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise NotTheAnswer(f"no data: {_told(payload) or 'and no message'}")
    if not rows:
        raise NotTheAnswer("an empty list of stops for a train that is listed")
    if not all(isinstance(row, dict) for row in rows):
        raise NotTheAnswer("expected stops")
    if [_text(row, "station_no") for row in rows] != [f"{n:02d}" for n in range(1, len(rows) + 1)]:
        raise NotTheAnswer("the numbers of the stops have a gap")
    names = [_text(row, "station_name") for row in rows]
    ends = bare(names[0]), bare(names[-1])
    said = bare(_text(rows[0], "start_station_name")), bare(_text(rows[0], "end_station_name"))
    wanted = {(bare(train.origin), bare(train.terminal)) for train in trains}
    if ends != said or ends not in wanted:
        raise NotTheAnswer(
            f"stops from {ends[0]} to {ends[1]} for a train listed from "
            + " or ".join(f"{a} to {b}" for a, b in sorted(wanted))
        )
    if len(rows) < 2:
        raise NotTheAnswer("a train with one stop")
    return _course(names, rows)


def _course(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> Course:
    """Times have no date: a day is added whenever a time is less than the one before."""
    code = _text(rows[0], "station_train_code")
    if not _CODE.fullmatch(code):
        raise NotTheAnswer(f"expected a train code, found {code[:20]!r}")
    start = _clock(rows[0], "start_time")
    now = start
    stops = [Stop(names[0], None, 0)]
    for name, row in zip(names[1:], rows[1:], strict=True):
        arrive = now + (_clock(row, "arrive_time") - now) % 1440
        depart = arrive + (_clock(row, "start_time") - arrive) % 1440
        now = depart
        stops.append(Stop(name, arrive - start, depart - start))
    last = stops[-1]
    if last.depart != last.arrive:
        raise NotTheAnswer(f"the last stop {last.station} has a departure of its own")
    stops[-1] = Stop(last.station, last.arrive, None)
    return Course(code, start, tuple(stops))


def _clock(row: dict[str, Any], name: str) -> int:
    text = _text(row, name)
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise NotTheAnswer(f"expected HH:MM under {name!r}, found {text[:20]!r}")
    return int(found[1]) * 60 + int(found[2])


# --- the questions ---------------------------------------------------------------------------


def _address(fetcher: Fetcher, host: str, path: str) -> str:
    """The address at the real host, or at the stand-in that takes every host's place."""
    wanted = f"https://{host}"
    base = wanted if wanted in fetcher.site.origins else fetcher.base
    return base + path


def ask_stations(fetcher: Fetcher, look: str) -> Ask:
    path = "/otn/resources/js/framework/station_name.js"
    return Ask(_address(fetcher, "kyfw.12306.cn", path), look=look)


def ask_presale(fetcher: Fetcher, look: str) -> Ask:
    return Ask(_address(fetcher, "kyfw.12306.cn", "/otn/login/conf"), form=(), look=look)


def ask_search(fetcher: Fetcher, prefix: str, day: date, look: str = "") -> Ask:
    # With dashes in the date the answer is an empty list.
    params = (("keyword", prefix), ("date", f"{day:%Y%m%d}"))
    return Ask(_address(fetcher, "search.12306.cn", "/search/v1/train/search"), params, look=look)


def ask_stops(fetcher: Fetcher, train_no: str, day: date) -> Ask:
    # BBB stands for both ends when only the list is wanted.
    params = (
        ("train_no", train_no), ("from_station_telecode", "BBB"), ("to_station_telecode", "BBB"),
        ("depart_date", day.isoformat()),
    )  # fmt: skip
    return Ask(_address(fetcher, "kyfw.12306.cn", "/otn/czxx/queryByTrainNo"), params)


def _ask(fetcher: Fetcher, ask: Ask, read: Callable[[Answer], Read]) -> Read:
    """The answer as read; what it raises while reading decides whether it counts as an answer."""
    last: list[Read] = []
    answer = fetcher.get(ask, lambda answer: last.append(read(answer)))
    return last[-1] if last else read(answer)


def trains_of(fetcher: Fetcher, day: date, report: Report) -> list[Listed]:
    """Every train of a date. Raises NoAnswer when a prefix stays without an answer."""
    found: dict[tuple[str, str], Listed] = {}
    empty: list[str] = []

    def walk(prefix: str, look: str = "") -> None:
        ask = ask_search(fetcher, prefix, day, look)
        got = _ask(fetcher, ask, lambda answer: listed_of(answer, prefix))
        shown = {key for key in found if key[1].startswith(prefix)}
        if not look and (lost := shown - {(t.train_no, t.code) for t in got}) and len(got) < FULL:
            # What the shorter prefix showed must be in the longer one's answer.
            report.contradictions.append(
                f"{day} {prefix}: {len(lost)} trains of the shorter prefix are not in its answer"
            )
            walk(prefix, "again")
            return
        found.update({(t.train_no, t.code): t for t in got})
        if not got:
            empty.append(prefix)
        elif len(got) >= FULL and len(prefix) < DEEPEST:
            for digit in "0123456789":
                if not (digit == "0" and prefix.isalpha()):
                    walk(prefix + digit)
        elif len(got) >= FULL:
            report.warnings.append(f"{day} {prefix}: {len(got)} trains, perhaps cut")

    for root in ROOTS:
        walk(root)
        fetcher.say(f"{day}: trains {root}…: {len(found)} so far")
    if found:
        unproved, empty = empty, []
        for prefix in unproved:
            walk(prefix, "again")
    report.empty_prefixes += [f"{day} {prefix}" for prefix in empty]
    if not found:
        raise Stopped(
            f"12306 lists no train at all on {day}: an empty list is not evidence; nothing was kept"
        )
    return list(found.values())


def snapshot(
    fetcher: Fetcher,
    settings: Settings,
    dates: Sequence[date],
    controls: Sequence[tuple[str, str]] = (),
) -> Report:
    """Fetch, check and assemble the timetable of consecutive dates.

    controls: pairs of station names whose trains are held against what is sold between them.

    Raises Stopped when the run must end (the same call goes on later), MetrocircleError when the
    dates are not on sale or too many trains stayed without stops.
    """
    report = Report([day.isoformat() for day in dates])
    # Once a day, not once a run: a run that is taken up later meets another window and table.
    today_here = time.strftime("%Y-%m-%d", time.gmtime())
    table = fetcher.get(ask_stations(fetcher, today_here), check_stations)
    stations = stations_of(table)
    kept = fetcher.journal.with_name(f"station_name.{table.asked_at[:10]}.js")
    kept.write_bytes(table.body())
    report.stations, report.asked_on = len(stations), table.asked_at
    _on_sale(dates, *_ask(fetcher, ask_presale(fetcher, today_here), presale_of), report)

    running: dict[str, dict[date, None]] = defaultdict(dict)
    listings: dict[str, list[Listed]] = defaultdict(list)
    for day in dates:
        listed = trains_of(fetcher, day, report)
        report.trains_by_date[day.isoformat()] = len({train.train_no for train in listed})
        for train in listed:
            running[train.train_no][day] = None
            if train not in listings[train.train_no]:
                listings[train.train_no].append(train)
    report.trains = len(listings)

    courses: dict[str, Course] = {}
    for number, train_no in enumerate(sorted(listings), start=1):
        trains = listings[train_no]
        ask = ask_stops(fetcher, train_no, min(running[train_no]))
        try:
            course = _ask(fetcher, ask, partial(course_of, trains=trains))
        except NoAnswer as error:
            codes = "/".join(sorted({train.code for train in trains}))
            report.missing.append({"train_no": train_no, "code": codes, "reason": str(error)})
            continue
        courses[train_no] = course
        report.stops += len(course.stops)
        if claimed := {train.total for train in trains} - {None, len(course.stops)}:
            report.warnings.append(
                f"{train_no}: {len(course.stops)} stops, the list says {min(map(str, claimed))}"
            )
        if number % 50 == 0 or number == len(listings):
            fetcher.say(f"stops: {number} of {len(listings)} trains, {len(report.missing)} missing")
    telecodes = telecodes_of(stations)
    for pair in controls:
        _control(fetcher, pair, dates, telecodes, running, courses, report)
    report.asked, report.reused = fetcher.asked, fetcher.reused
    if len(report.missing) > MOST_MISSING * report.trains:
        raise MetrocircleError(
            f"{len(report.missing)} of {report.trains} trains have no stops, more than "
            f"{MOST_MISSING:.1%}; run the same command again: only these are asked "
            f"(first: {report.missing[0]['train_no']}: {report.missing[0]['reason']})"
        )
    _assemble(settings, report, dates, telecodes, running, listings, courses)
    return report


def _on_sale(dates: Sequence[date], today: date, control: int, report: Report) -> None:
    # Today's list lacks the trains that have left.
    first, last = today + _DAY, today + (control - 1) * _DAY
    report.presale = [first.isoformat(), last.isoformat()]
    if dates[0] < first or dates[-1] > last:
        raise MetrocircleError(
            f"12306 sells from {today} on for {control} days; ask for dates from {first} to {last} "
            f"(found {dates[0]} to {dates[-1]}): outside them it answers with empty lists"
        )


# --- the control: what is sold between two stations -------------------------------------------


@dataclass(frozen=True)
class Sold:
    """A row of the ticket search: one train may have several, one for each boarding station."""

    train_no: str
    origin: str
    destination: str
    start_date: str
    is_stopped: bool


def sold_of(answer: Answer) -> list[Sold] | str:
    """The rows between two stations, or the address that the search has moved to.

    Fields were added at the end over the years, so a row is read by place and may be of any length
    from 18 fields on.
    """
    head = answer.body()[:200].lstrip()
    payload = answer.json() if head.startswith(b"{") else _payload(answer)
    if isinstance(payload, dict) and payload.get("status") is False and "c_url" in payload:
        moved = str(payload["c_url"])
        if not _SEARCH.fullmatch(moved):
            raise NotTheAnswer(f"moved to {moved[:60]!r}")
        return moved
    data = _payload(answer).get("data")
    rows = data.get("result") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise NotTheAnswer(f"no data: {_told(payload) or 'and no message'}")
    found = []
    for row in rows:
        cells = str(row).split("|")
        if len(cells) < 18 or not _TRAIN_NO.fullmatch(cells[2]):
            raise NotTheAnswer(f"no row of the ticket search: {str(row)[:60]!r}")
        found.append(Sold(cells[2], cells[6], cells[7], cells[13], cells[1] == "列车停运"))
    return found


def sold(fetcher: Fetcher, day: date, origin: str, destination: str) -> list[Sold]:
    """What 12306 sells between two telecodes on a date; it answers for the cities' other stations
    too. The address is named by a page that also sets the cookies the search wants.
    """
    kyfw = _address(fetcher, "kyfw.12306.cn", "/otn/")
    page = Ask(f"{kyfw}leftTicket/init", (("linktypeid", "dc"),), look=f"{time.time():.6f}")
    where = _ask(fetcher, page, _search_of)
    params = (
        ("leftTicketDTO.train_date", day.isoformat()), ("leftTicketDTO.from_station", origin),
        ("leftTicketDTO.to_station", destination), ("purpose_codes", "ADULT"),
    )  # fmt: skip
    headers = (
        ("Referer", page.target), ("X-Requested-With", "XMLHttpRequest"),
        ("If-Modified-Since", "0"),
    )  # fmt: skip
    for _ in range(2):
        rows = _ask(fetcher, Ask(kyfw + where, params, headers=headers), sold_of)
        if not isinstance(rows, str):
            return rows
        where = rows
    raise NoAnswer(f"the ticket search moves about: last to {where}")


def _search_of(answer: Answer) -> str:
    found = re.search(r"CLeftTicketUrl\s*=\s*'([^']*)'", answer.body().decode("utf-8", "replace"))
    if found is None or not _SEARCH.fullmatch(found[1]):
        raise Challenge("the page of the ticket search does not name its address")
    return found[1]


def _control(
    fetcher: Fetcher,
    pair: tuple[str, str],
    dates: Sequence[date],
    telecodes: Mapping[str, str],
    running: Mapping[str, Iterable[date]],
    courses: Mapping[str, Course],
    report: Report,
) -> None:
    """Hold the listed trains of a pair against what is sold; what differs stands in the report."""
    for name in pair:
        if name not in telecodes:
            raise MetrocircleError(f"--control: no station is named {name!r}")
    for day in dates:
        rows = sold(fetcher, day, telecodes[pair[0]], telecodes[pair[1]])
        # Trains that started before the first date are in the answer and not in the lists.
        rows = [row for row in rows if row.start_date >= f"{dates[0]:%Y%m%d}"]
        pairs = {(row.origin, row.destination) for row in rows}
        listed = {
            train_no
            for train_no, course in courses.items()
            for a, b in _called(course, telecodes, running[train_no], day)
            if (a, b) in pairs
        }
        runs = {row.train_no for row in rows if not row.is_stopped}
        stopped = {row.train_no for row in rows if row.is_stopped}
        report.controls.append({
            "date": day.isoformat(), "pair": "-".join(pair), "sold": len(runs),
            "stopped": sorted(stopped), "sold_but_not_listed": sorted(runs - listed),
            "listed_but_not_sold": sorted(listed - runs - stopped),
        })  # fmt: skip


def _called(
    course: Course, telecodes: Mapping[str, str], dates: Iterable[date], day: date
) -> Iterator[tuple[str, str]]:
    """Pairs of telecodes between which the train can be boarded on the day."""
    running = set(dates)
    for n, a in enumerate(course.stops):
        if a.depart is None:
            continue
        began = day - (course.origin_minute + a.depart) // 1440 * _DAY
        if began in running:
            for b in course.stops[n + 1 :]:
                yield telecodes.get(a.station, ""), telecodes.get(b.station, "")


# --- the assembled file ----------------------------------------------------------------------


def expression(days: Iterable[date]) -> str:
    """Dates in the archive's writing: `261202-03|05` is the 2nd, 3rd and 5th of December 2026."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][-1] == _DAY:
            runs[-1].append(day)
        else:
            runs.append([day])
    parts, before = [], ""
    for run in runs:
        texts = []
        for day in dict.fromkeys((run[0], run[-1])):
            text = f"{day:%y%m%d}"
            # A shorter date keeps the leading digits of the one before it.
            same = next(n for n in (4, 2, 0) if text[:n] == before[:n] and len(before) >= n)
            texts.append(text[same:])
            before = text
        parts.append("-".join(texts))
    return "|".join(parts)


def timetable_text(
    running: Mapping[str, Iterable[date]],
    listings: Mapping[str, Sequence[Listed]],
    courses: Mapping[str, Course],
    telecodes: Mapping[str, str],
) -> str:
    """The trains as `cr` reads them, one block each, in the order of their numbers."""
    blocks = []
    for train_no in sorted(listings):
        course = courses.get(train_no)
        codes = sorted({train.code for train in listings[train_no]})
        # The code at the first stop comes first, whether the list showed it or not.
        codes = list(dict.fromkeys([course.code, *codes] if course else codes))
        lines = [f"{train_no},{'/'.join(codes)},{expression(running[train_no])}"]
        lines += _stop_lines(course, telecodes) if course else ()
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _stop_lines(course: Course, telecodes: Mapping[str, str]) -> Iterator[str]:
    left = 0
    for stop in course.stops:
        station = telecodes.get(stop.station, stop.station)
        if stop.arrive is None:
            yield f"{station},,{_hhmm(course.origin_minute)}"
        elif stop.depart is None:
            yield f"{station},{stop.arrive - left}"
        else:
            stay = stop.depart - stop.arrive
            # A stop of no minutes carries the time of day instead.
            shown = str(stay) if stay else _hhmm(course.origin_minute + stop.arrive)
            yield f"{station},{stop.arrive - left},{shown}"
            left = stop.depart


def _hhmm(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def telecodes_of(stations: Sequence[Station]) -> dict[str, str]:
    """name -> telecode. A name with blanks is another yard: only the very text leads to one."""
    named: dict[str, set[str]] = defaultdict(set)
    for station in stations:
        named[station.name].add(station.telecode)
    return {name: next(iter(codes)) for name, codes in named.items() if len(codes) == 1}


def _assemble(
    settings: Settings,
    report: Report,
    dates: Sequence[date],
    telecodes: Mapping[str, str],
    running: Mapping[str, Iterable[date]],
    listings: Mapping[str, Sequence[Listed]],
    courses: Mapping[str, Course],
) -> None:
    called = {stop.station for course in courses.values() for stop in course.stops}
    report.unknown_stations = sorted(called - telecodes.keys())
    text = timetable_text(running, listings, courses, telecodes)
    folder = f"12306_{dates[0]}_{dates[-1]}"
    path = place(settings, "rail", f"{folder}/cr{dates[0]:%y%m%d}.min.csv", text.encode())
    report.files = [path.relative_to(settings.warehouse).as_posix()]


def site(_: Namespace) -> Site:
    return SITE


def run(settings: Settings, start: Start, options: Namespace) -> dict[str, Any]:
    """`metrocircle fetch rail`: the report as a dictionary, written beside the journal too."""
    if options.first is None:
        raise MetrocircleError("say which date: --from 2026-12-02 (a day ahead, and on sale)")
    if not 1 <= options.days <= 15:
        raise MetrocircleError(f"--days: expected 1 to 15, found {options.days}")
    dates = [options.first + n * _DAY for n in range(options.days)]
    controls = [(a.strip(), b.strip()) for a, _, b in (c.partition("-") for c in options.control)]
    with start(f"{dates[0]}_{dates[-1]}") as fetcher:
        report = asdict(snapshot(fetcher, settings, dates, controls))
        path = fetcher.journal.with_name("report.json")
        path.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    return report

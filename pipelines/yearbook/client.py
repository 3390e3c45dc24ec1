"""The live client of the portal of the Guangdong Statistical Yearbook: one edition, as a CD zip.

Belongs here: which addresses an edition has, what a table file must be, how the files become one
zip. Not here: how politely they are asked (archive.fetch), and reading tables (workbook, tables).

    http://tjnj.gdstats.gov.cn:8080/tjnj/{edition}/directory/{CC}/excel/{CC-TT[-part]}.xls
    http://tjnj.gdstats.gov.cn:8080/tjnj/{edition}/directory/{CC}/html/{CC-TT[-part]}.htm

edition is the year of publication, one more than the newest data year. A table that is split has
the parts -0, -1, …. `sources/yearbook/portal_tables.csv` lists the tables of editions whose files
are known; of any other edition the names are tried in their order, and a chapter ends where
`LAST_GAP` numbers in a row are not there.

The portal answers 200 with an error page under the name of a table: the first bytes decide, never
the status. A table whose workbook stays an error page is taken as its page (`.htm`) instead.

The assembled form is `<warehouse>/fetched/yearbook/广东统计年鉴<edition>.zip`, laid out as the CD:
`directory/CC/excel/CC-TT[-part].xls` (or `html/….htm`), and `page/assembled.txt` that states the
edition. Whoever reads the CD reads it.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipelines.archive import guards
from pipelines.archive.fetch import (
    Absent,
    Answer,
    Ask,
    Fetcher,
    Manners,
    NoAnswer,
    NotTheAnswer,
    Site,
    Start,
    place,
)
from pipelines.archive.wire import Bounds
from pipelines.errors import MetrocircleError, RefusedInput
from pipelines.settings import Settings
from pipelines.yearbook.recognise import ASSEMBLED

SITE = Site(
    source="yearbook",
    origins=("http://tjnj.gdstats.gov.cn:8080",),
    # Slow from abroad: those who read it allow 60 s to connect, 180 s to read and eight tries.
    manners=Manners(
        interval_s=4.0,
        attempts=8,
        backoff_s=2.0,
        backoff_most_s=60.0,
        bounds=Bounds(connect_s=60, read_s=180, deadline_s=300, most_bytes=32 << 20),
    ),
)
KNOWN = "sources/yearbook/portal_tables.csv"
# Chapters that hold what the paper and the plans need (sources/yearbook/README.md).
CHAPTERS = ("01", "02", "03", "10", "12", "19")
# A guess at a name is tried so often; a name that is known, as often as the manners say.
GUESSES = 2
# Numbers in a row that are not there before a chapter counts as read.
LAST_GAP = 3
MOST_TABLES = 99
MOST_PARTS = 20

_TABLE = re.compile(r"[0-9]{2}-[0-9A-Z]{1,2}(?:-[0-9]{1,2})?")


@dataclass
class Report:
    """What of an edition is held, what the portal does not have, what it did not give."""

    edition: int
    tables: int = 0
    workbooks: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    not_there: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    asked: int = 0
    reused: int = 0
    files: list[str] = field(default_factory=list)


def check_workbook(answer: Answer) -> None:
    """NotTheAnswer unless the bytes are a whole OLE2 workbook."""
    media = guards.media_type(answer.path)
    if media != "ole2":
        head = answer.body()[:60].decode("utf-8", "replace").strip()
        raise NotTheAnswer(f"expected a workbook (D0 CF 11 E0 …), found {media}: {head!r}")
    try:
        guards.inspect_ole2(answer.url.rpartition("/")[2], answer.path)
    except RefusedInput as error:
        raise NotTheAnswer(str(error)) from None


def check_page(answer: Answer) -> None:
    """NotTheAnswer unless the page holds a table and ends."""
    # Names of elements are ASCII in every encoding these pages use.
    text = answer.body().lower()
    if b"<table" not in text or b"</table>" not in text or b"</html>" not in text[-2048:]:
        raise NotTheAnswer("expected a page with one whole table")


def ask(fetcher: Fetcher, edition: int, stem: str, form: str) -> Ask:
    """form: excel or html."""
    ending = {"excel": "xls", "html": "htm"}[form]
    chapter = stem[:2]
    return Ask(f"{fetcher.base}/tjnj/{edition}/directory/{chapter}/{form}/{stem}.{ending}")


def known_stems(sources: Path, edition: int) -> dict[str, list[str]]:
    """table -> file stems, for an edition whose files are known; empty for any other."""
    path = sources / "yearbook" / "portal_tables.csv"
    stems: dict[str, list[str]] = {}
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            if row["edition"] == str(edition):
                parts, table = int(row["parts"]), row["table"]
                stems[table] = [f"{table}-{n}" for n in range(parts)] if parts else [table]
    return stems


def collect(
    fetcher: Fetcher,
    settings: Settings,
    edition: int,
    tables: Sequence[str],
    chapters: Sequence[str],
) -> Report:
    """Fetch the tables and chapters of an edition and assemble what is held.

    Raises Stopped when the run must end; the same call goes on later.
    """
    report = Report(edition)
    known = known_stems(settings.sources, edition)
    held: dict[str, Answer] = {}
    for number, (stems, is_known) in enumerate(_wanted(fetcher, edition, known, tables, chapters)):
        for stem in stems:
            _take(fetcher, edition, stem, is_known, held, report)
        fetcher.say(f"{number + 1} tables asked for, {len(held)} files held (at {stems[0]})")
    report.tables = len({re.sub(r"^(..-[^-]+).*", r"\1", Path(name).stem) for name in held})
    report.asked, report.reused = fetcher.asked, fetcher.reused
    if held:
        name = f"广东统计年鉴{edition}.zip"
        path = place(settings, "yearbook", name, zipped(edition, held))
        report.files = [path.relative_to(settings.warehouse).as_posix()]
    return report


def _wanted(
    fetcher: Fetcher,
    edition: int,
    known: dict[str, list[str]],
    tables: Sequence[str],
    chapters: Sequence[str],
) -> Iterator[tuple[list[str], bool]]:
    """(stems of a table, whether they are known to exist), each table once."""
    seen = set()
    for table in tables:
        seen.add(table)
        if table in known:
            yield known[table], True
        else:
            # Who names a part knows it; a table by itself may be split.
            is_part = table.count("-") > 1
            yield ([table] if is_part else _guessed(fetcher, edition, table)), is_part
    for chapter in chapters:
        listed = [table for table in known if table.startswith(f"{chapter}-")]
        for table in listed:
            if table not in seen:
                yield known[table], True
        gap = 0
        for number in range(1, MOST_TABLES + 1) if not listed else ():
            if (table := f"{chapter}-{number:02d}") in seen:
                continue
            stems = _guessed(fetcher, edition, table)
            gap = 0 if _is_held(fetcher, edition, stems[0]) else gap + 1
            yield stems, False
            if gap == LAST_GAP:
                break


def _guessed(fetcher: Fetcher, edition: int, table: str) -> list[str]:
    """The stems a table may have: itself, or its parts as far as there are any."""
    if _probe(fetcher, edition, table):
        return [table]
    parts = []
    for number in range(MOST_PARTS):
        if not _probe(fetcher, edition, f"{table}-{number}"):
            break
        parts.append(f"{table}-{number}")
    return parts or [table]


def _probe(fetcher: Fetcher, edition: int, stem: str) -> bool:
    try:
        fetcher.get(ask(fetcher, edition, stem, "excel"), check_workbook, attempts=GUESSES)
    except NoAnswer:
        return False
    return True


def _is_held(fetcher: Fetcher, edition: int, stem: str) -> bool:
    return fetcher.holds(ask(fetcher, edition, stem, "excel"))


def _take(
    fetcher: Fetcher,
    edition: int,
    stem: str,
    is_known: bool,
    held: dict[str, Answer],
    report: Report,
) -> None:
    """The workbook of a stem, else its page, else why there is neither."""
    workbook = ask(fetcher, edition, stem, "excel")
    if not is_known and not fetcher.holds(workbook):
        report.not_there.append(stem)
        return
    try:
        held[f"directory/{stem[:2]}/excel/{stem}.xls"] = fetcher.get(workbook, check_workbook)
        report.workbooks.append(stem)
        return
    except Absent:
        report.not_there.append(stem)
        return
    except NoAnswer as error:
        reason = str(error)
    try:
        page = fetcher.get(ask(fetcher, edition, stem, "html"), check_page)
        held[f"directory/{stem[:2]}/html/{stem}.htm"] = page
        report.pages.append(stem)
    except NoAnswer as error:
        report.failed.append({"table": stem, "workbook": reason, "page": str(error)})


def zipped(edition: int, held: dict[str, Answer]) -> bytes:
    """The files as one zip with the same bytes for the same files.

    A CD states its edition on its pages; here a text that says so stands in their place, for a
    table may lag behind its book by years.
    """
    files = {name: answer.body() for name, answer in held.items()}
    files[ASSEMBLED] = (
        f"广东统计年鉴{edition}\n{len(held)} files of the portal's edition {edition}, "
        "assembled by metrocircle fetch yearbook\n"
    ).encode()
    sink = io.BytesIO()
    # Stored, dated and ordered alike: another release of zlib would pack other bytes.
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), files[name])
    return sink.getvalue()


def site(_: Namespace) -> Site:
    return SITE


def run(settings: Settings, start: Start, options: Namespace) -> dict[str, Any]:
    """`metrocircle fetch yearbook`: the report as a dictionary, written beside the journal too."""
    if options.edition is None or not 1985 <= options.edition <= 2100:
        raise MetrocircleError("say which edition, by its year of publication: --edition 2025")
    for text in (*options.table, *(f"{chapter}-01" for chapter in options.chapter)):
        if not _TABLE.fullmatch(text):
            raise MetrocircleError(
                f"expected a table like 02-15 or a chapter like 02, found {text}"
            )
    chapters = options.chapter or (() if options.table else CHAPTERS)
    with start(str(options.edition)) as fetcher:
        report = asdict(collect(fetcher, settings, options.edition, options.table, chapters))
        path = fetcher.journal.with_name("report.json")
        path.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    return report

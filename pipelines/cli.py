"""The `metrocircle` command.

Belongs here: arguments, exit codes, printing. Not here: work. Heavy imports happen inside the
command that needs them, so that an unchanged refresh costs little more than starting Python.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pipelines import settings as settings_module
from pipelines.errors import MetrocircleError
from pipelines.settings import Settings

# Sources with a `transcribe` module, in the order they build on one another.
TRANSCRIBED = ("geography", "yearbook", "rail", "environment", "publications")

# Characters of a row that `rejects` prints; with --json all.
MOST_OF_A_ROW = 300


def out(text: str) -> None:
    """One line, or many, to stdout."""
    sys.stdout.write(text + "\n")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="metrocircle",
        description="A reproducible warehouse of metro-circle (都市圈) indicators.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, help_: str, json_: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_, description=help_)
        if json_:
            command.add_argument("--json", action="store_true", help="print JSON on stdout")
        return command

    refresh = add("refresh", "extract what changed, build, check and publish a release")
    refresh.add_argument(
        "--dry-run", action="store_true", help="say what would be done, do nothing"
    )
    refresh.add_argument("--profile", action="store_true", help="print the time of each phase")
    refresh.add_argument("--drop", type=Path, metavar="DIR", help="a folder of files to take in")
    refresh.add_argument(
        "--slice", action="append", default=[], metavar="S",
        help="extract again: source, source/slice or source/first...last (repeatable)",
    )  # fmt: skip
    refresh.add_argument("--force", action="store_true", help="do everything again")
    refresh.add_argument(
        "--accept", action="store_true",
        help="publish also a release that changes so much that it would be held back",
    )  # fmt: skip
    refresh.add_argument(
        "--engine", choices=settings_module.ENGINES, help="what builds the models (default duckdb)"
    )
    refresh.add_argument(
        "--wait", type=int, default=0, metavar="SECONDS",
        help="wait so long for another writer to end (default 0: refuse at once)",
    )  # fmt: skip

    status = add("status", "what is held, what is stale and why, which release is in use")
    status.add_argument("--drop", type=Path, metavar="DIR", help="a folder of files to take in")

    verify = add("verify", "check a release against its manifest, hashes and contract")
    verify.add_argument("release", nargs="?", help="release id (default: the one in use)")

    query = add("query", "run SQL on the release in use, read-only")
    query.add_argument("sql", help="a SELECT over the tables of the release, or a .sql file")
    query.add_argument("--limit", type=int, default=50, help="rows to print (default 50)")
    query.add_argument(
        "--csv", action="store_true",
        help="print CSV; text that a spreadsheet would run gets a leading apostrophe",
    )  # fmt: skip
    query.add_argument("--raw", action="store_true", help="with --csv: every cell as it is")

    explain = add("explain", "where a value comes from: vintages, file, cell, unit, correction")
    explain.usage = (
        "metrocircle explain INDICATOR PLACE_OR_CIRCLE YEAR   every vintage of a value\n"
        "       metrocircle explain TABLE COLUMN=VALUE ...           one row of any table\n"
        "       metrocircle explain ID                               a figure, target or fact_id"
    )
    explain.add_argument("subject", help="indicator id or name, a table, or an id")
    explain.add_argument("rest", nargs="*", help="place or circle and year; or column=value")
    explain.add_argument("--vintage", help="one vintage policy of a circle")
    explain.add_argument("--column", help="of a row, only this column, and what it is made from")
    explain.add_argument("--sql", action="store_true", help="print the SQL that says the same")

    cite = add("cite", "how to cite the release in use, and what is behind an indicator or table")
    cite.add_argument("subject", nargs="?", help="indicator id or name, or a table")

    docs = add("docs", "the schema browser of the release in use: one page that works offline")
    docs.add_argument("--open", action="store_true", help="show it in the web browser")

    find = add("find", "search indicators, tables, columns, circles in Chinese and English")
    find.add_argument("word")
    circle = commands.add_parser(
        "circle",
        help="circles of the release, and one of your own",
        description="Circles of the release, and every indicator for one that you define.",
    )
    verbs = circle.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", help="all circles of the release")
    show = verbs.add_parser("show", help="one circle: members and newest values")
    show.add_argument("circle_id")
    compute = verbs.add_parser(
        "compute", help="every indicator for a circle of your own, from the release in use"
    )
    compute.add_argument(
        "file", nargs="?", type=Path, help="YAML: circle_id, name_zh, name_en, valid_from, members"
    )
    compute.add_argument(
        "--member", action="append", default=[], metavar="PLACE[=SHARE]",
        help="a division by name or code, once per member; SHARE is the part that belongs to it",
    )  # fmt: skip
    compute.add_argument(
        "--valid-from", type=int, metavar="YEAR", help="year whose divisions the names mean"
    )
    compute.add_argument("--indicator", action="append", default=[], metavar="ID")
    compute.add_argument(
        "--year", type=int, help="this year (default: the newest that is complete)"
    )
    compute.add_argument(
        "--vintage", help="one vintage policy: latest, first_published, as_of:2022"
    )
    compute.add_argument("--all", action="store_true", help="every year and vintage")
    compute.add_argument("--csv", action="store_true", help="print every row as CSV")
    for verb in verbs.choices.values():
        verb.add_argument("--json", action="store_true", help="print JSON on stdout")

    reproduce = add("reproduce", "printed figures of the documents against the release in use")
    reproduce.add_argument("--markdown", action="store_true", help="print Markdown, write nothing")
    reproduce.add_argument(
        "--write", type=Path, metavar="DIR",
        help="folder for the report as Markdown and HTML (default: reports/ in the warehouse)",
    )  # fmt: skip

    diff = add("diff", "what changed between two releases, by table, indicator and place")
    diff.add_argument("a", nargs="?", default="previous", help="id, its beginning, or `previous`")
    diff.add_argument("b", nargs="?", default="current", help="id, its beginning, or `current`")
    diff.add_argument("--markdown", action="store_true", help="print Markdown")
    diff.add_argument("--provenance", action="store_true", help="files, cells, lineage as well")
    diff.add_argument("--tolerance", type=float, default=1e-9, help="relative, for numbers (1e-9)")

    rejects = add("rejects", "what arrived and could not be used, with the nearest candidates")
    rejects.add_argument(
        "--severity", choices=("error", "warning", "refused"),
        help="only these; refused: whole files of the drop folder",
    )  # fmt: skip
    rejects.add_argument("--drop", type=Path, metavar="DIR", help="the folder of files to look at")
    rejects.add_argument(
        "--rerun", action="store_true", help="extract the slices that hold them again, and refresh"
    )

    withdraw = add("withdraw", "leave an edition out of every later release, with a reason")
    withdraw.add_argument("document", help="like china_city_yearbook")
    withdraw.add_argument("edition", help="like 2014")
    withdraw.add_argument("--reason", default="", help="why it may not be used")
    withdraw.add_argument("--undo", action="store_true", help="take the tombstone away")

    use = add("use", "point `current` at another release (roll back)")
    use.add_argument("release", help="release id")

    dashboard = add("dashboard", "serve the built dashboard and the releases on 127.0.0.1", False)
    dashboard.add_argument("--port", type=int, default=8700, help="0 takes a free one")
    dashboard.add_argument(
        "--boundaries", type=Path, metavar="FILE",
        help="GeoJSON of your own with `place_code` or `adcode`, drawn instead of points",
    )  # fmt: skip

    pin = add("pin", "keep a release whatever a prune is told; without an id: list the pins")
    pin.add_argument("release", nargs="?", help="release id")
    pin.add_argument("--reason", default="", help="why it is kept")
    pin.add_argument("--remove", action="store_true", help="take the pin away")

    prune = add("prune", "remove old releases; the one in use and the pinned stay")
    prune.add_argument("--keep", type=int, required=True, metavar="N", help="newest N stay")
    prune.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")

    rebuild = add("rebuild-check", "build again under other circumstances and compare the hashes")
    rebuild.add_argument(
        "--once", action="store_true", help="build once and compare with the release in use"
    )
    rebuild.add_argument("--keep", type=Path, metavar="DIR", help="build in DIR and leave it there")

    add("doctor", "check the environment, folders and locks")

    fetch = add("fetch", "ask a live site politely; off unless METROCIRCLE_FETCH names it", False)
    sites = fetch.add_subparsers(dest="source", required=True, metavar="SOURCE")

    def site(name: str, help_: str) -> argparse.ArgumentParser:
        command = sites.add_parser(name, help=help_, description=help_)
        command.add_argument("--json", action="store_true", help="print JSON on stdout")
        command.add_argument("--limit", type=int, metavar="N", help="stop after N questions")
        command.add_argument(
            "--at", metavar="URL", help="ask a stand-in on this machine instead of the site"
        )
        return command

    rail = site("rail", "12306: the timetable of one date or of a few in a row")
    rail.add_argument("--from", dest="first", type=_date, metavar="DATE", help="first date")
    rail.add_argument("--days", type=int, default=1, help="number of dates (default 1)")

    rail.add_argument(
        "--control", action="append", default=[], metavar="A-B",
        help="hold the trains between two stations against what is sold, like 广州-深圳",
    )  # fmt: skip

    yearbook = site("yearbook", "the portal of the Guangdong Statistical Yearbook, one edition")
    yearbook.add_argument("--edition", type=int, metavar="YEAR", help="year of publication")
    yearbook.add_argument(
        "--chapter", action="append", default=[], metavar="CC", help="a whole chapter, like 02"
    )
    yearbook.add_argument(
        "--table", action="append", default=[], metavar="CC-TT", help="one table, like 02-15"
    )

    environment = site("environment", "the province's bulletins, or the hours of the platform")
    environment.add_argument("what", choices=("bulletins", "hours"))
    environment.add_argument(
        "--column", action="append", default=[], metavar="NAME", help="of the bulletins' site"
    )
    environment.add_argument(
        "--pages", type=int, default=3, metavar="N", help="index pages a column (default 3)"
    )
    environment.add_argument(
        "--readings", type=int, default=1, metavar="N", help="of the platform, 20 minutes apart"
    )

    contract = add("contract", "write the dbt model files that follow from the contract", False)
    contract.add_argument("--write", action="store_true", help="write them (default: only compare)")

    transcribe = add("transcribe", "read originals into sources/ again (maintainers)", False)
    transcribe.add_argument("originals", type=Path, help="folder that holds the originals")
    transcribe.add_argument("--source", choices=TRANSCRIBED, help="only this source")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point: 0 on success, 1 when something is wrong, 2 for wrong usage."""
    options = parser().parse_args(arguments)
    command = globals()[f"command_{options.command.replace('-', '_')}"]
    try:
        settings = settings_module.load()
        if getattr(options, "drop", None):
            settings = replace(settings, drop=options.drop.resolve())
        if getattr(options, "accept", False):
            settings = replace(settings, accept_changes=True)
        if getattr(options, "engine", None):
            settings = replace(settings, engine=options.engine)
        code = int(command(settings, options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader left (`| head`): Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (MetrocircleError, OSError) as error:
        # A full disk or a folder without permission is for the person, not for a stack of calls.
        sys.stderr.write(f"metrocircle {options.command}: {error}\n")
        return 1


def _shown(settings: Settings, path: Path) -> str:
    """A path as a person in the checkout would type it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _print_rejects(rows: list[dict[str, Any]]) -> None:
    from pipelines.archive import guards

    for row in rows:
        near = f"; nearest: {row['candidates']}" if row["candidates"] else ""
        wanted = f": expected {row['expected']}, found {row['found']!r}" if row["expected"] else ""
        # What files hold and are called may steer a terminal.
        at = f"{row['file']} {row['locator']}".rstrip()
        out(guards.shown(f"{row['severity']:<8} {at}: {row['reason']}{wanted}{near}"))
        if row["raw_text"]:
            out(f"{'':8} as it came: {guards.shown(row['raw_text'][:MOST_OF_A_ROW])}")


def _lake_rejects(settings: Settings, severity: str | None) -> list[dict[str, Any]]:
    from pipelines import contract, lake

    table = contract.load(settings.contract).table("rejects")
    rows = lake.read(settings.lake, table).sort(["severity", "file", "locator"])
    return [
        row for row in rows.iter_rows(named=True) if severity is None or row["severity"] == severity
    ]


def _refused_files(settings: Settings) -> list[dict[str, Any]]:
    """Offered files of which nothing was taken in, in the columns of `rejects`."""
    from pipelines.archive import acquire

    blank = dict.fromkeys(("snapshot_id", "locator", "table_name", "slice", "raw_text"), "")
    blank |= dict.fromkeys(("expected", "found", "candidates"), "")
    return [
        {
            **blank,
            "file": acquire.logical(r.file),
            "reason": r.reason.removeprefix(f"{r.file}: "),
            "severity": "refused",
        }
        for r in acquire.offered(settings)[1]
        if r.outcome in ("refused", "unreadable")
    ]


def command_refresh(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines import staleness

    if settings.drop is not None and not settings.drop.is_dir():
        raise MetrocircleError(f"drop folder {settings.drop} is not a folder")
    plan = staleness.plan(settings, options.slice, options.force)
    if options.dry_run:
        return _dry_run(settings, options, plan)
    if plan.nothing_to_do:
        return _unchanged(settings, options, plan)

    from pipelines import refresh, report
    from pipelines.lock import exclusive

    with exclusive(settings, patience_s=options.wait):
        if options.wait:
            # Whoever was waited for may have done it all, or have changed what is stale.
            plan = staleness.plan(settings, options.slice, options.force)
            if plan.nothing_to_do:
                return _unchanged(settings, options, plan)
        try:
            outcome = refresh.run(settings, plan, refresh.printer(quiet=options.json))
        except refresh.RefreshFailed:
            errors = _lake_rejects(settings, "error")
            if errors:
                out(f"{len(errors)} rejected with severity error:")
                _print_rejects(errors)
            raise
    facts = report.summary(settings.releases / outcome.release_id)
    facts["did_work"] = True
    facts["extracted"] = outcome.extracted
    facts["done"] = {what: list(counted) for what, counted in outcome.done.items()}
    if options.profile:
        taken = outcome.seconds.items()
        facts["seconds"] = {name: round(wall, 2) for name, (wall, _) in taken}
        facts["processor_seconds"] = {name: round(busy, 2) for name, (_, busy) in taken}
    if options.json:
        out(json.dumps(facts, ensure_ascii=False, indent=1))
        return 0
    out(report.text(facts, _shown(settings, settings.releases / outcome.release_id)))
    out(f"Done:    {report.done(outcome.done)}")
    warnings = len(_lake_rejects(settings, "warning"))
    if warnings:
        out(f"Rejects: {warnings} cells set aside (metrocircle rejects)")
    if options.profile:
        out("\nseconds by phase (build_release holds checks, dbt, column_lineage and release)")
        out(f"  {'':<14} {'wall':>7} {'processor':>9}")
        for name, (wall, busy) in outcome.seconds.items():
            out(f"  {name:<14} {wall:7.2f} {busy:9.2f}")
    return 0


def _dry_run(settings: Settings, options: argparse.Namespace, plan: Any) -> int:
    if options.json:
        out(
            json.dumps(
                {
                    "nothing_to_do": plan.nothing_to_do,
                    "stale": [item.key for item in plan.stale],
                    "gone": list(plan.gone),
                    "release_stale": plan.release_stale,
                    "reasons": list(plan.reasons),
                },
                ensure_ascii=False,
                indent=1,
            )
        )
    elif plan.nothing_to_do:
        for reason in plan.reasons:
            _say(reason)
        out("nothing to do: inputs, code and release are as the last refresh left them")
    else:
        out("a refresh would do this:")
        for reason in plan.reasons:
            out(f"  {reason}")
    return 0


def _unchanged(settings: Settings, options: argparse.Namespace, plan: Any) -> int:
    for reason in plan.reasons:
        _say(reason)
    if settings.alert_webhook or settings.alert_mail_to:
        # A source is late while nothing changes: who has no daemon is told by the next look.
        from pipelines.orchestration import alerts

        alerts.watch(settings)
    release = settings.current.resolve()
    if options.json:
        facts = {"release_id": release.name, "path": str(release), "did_work": False}
        out(json.dumps(facts | {"extracted": []}, indent=1))
    else:
        out(f"nothing changed: release {release.name} in {_shown(settings, release)} stays in use")
    return 0


def command_status(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines.orchestration import state

    facts = state.status(settings)
    out(json.dumps(facts, ensure_ascii=False, indent=1) if options.json else state.text(facts))
    return 0


def command_verify(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines.release.verify import verify

    path = settings.releases / options.release if options.release else _current(settings)
    problems = verify(path, settings.threads)
    if options.json:
        facts = {"release_id": path.name, "problems": [str(p) for p in problems]}
        out(json.dumps(facts, ensure_ascii=False, indent=1))
    else:
        for problem in problems:
            out(str(problem))
        out(f"release {path.name}: {'sound' if not problems else f'{len(problems)} problems'}")
    return 1 if problems else 0


def _current(settings: Settings) -> Path:
    """The folder of the release in use, resolved once; MetrocircleError when there is none."""
    from pipelines.release.publish import current_release

    current = current_release(settings)
    if current is None:
        raise MetrocircleError("there is no release yet; run `metrocircle refresh`")
    if current.problem:
        raise MetrocircleError(current.problem)
    return current.path


def command_explain(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines import evidence, explain

    release, rest = _current(settings), options.rest
    if len(rest) == 2 and not any("=" in word for word in rest):
        if not rest[1].isdecimal():
            raise MetrocircleError(f"expected a year, found {rest[1]!r}")
        answer = explain.explain(release, options.subject, rest[0], int(rest[1]), options.vintage)
        if options.sql:
            facts = [row["fact_id"] for row in answer.get("vintages") or answer.get("values", [])]
            answers = [evidence.evidence(release, fact) for fact in facts if fact]
            out("\n\n".join(evidence.sql(each) for each in answers))
            return 0
        shown = explain.text
    else:
        conditions = evidence.conditions_of(rest)
        if options.vintage:
            conditions["vintage"] = options.vintage
        answer = evidence.evidence(release, options.subject, conditions, options.column)
        if options.sql:
            out(evidence.sql(answer))
            return 0
        shown = evidence.text
    if options.json:
        out(json.dumps(answer, ensure_ascii=False, indent=1, default=str))
    else:
        out(shown(answer))
    return 0


def command_cite(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines.release import cite

    answer = cite.cite(_current(settings), options.subject)
    out(json.dumps(answer, ensure_ascii=False, indent=1) if options.json else cite.text(answer))
    return 0


def command_docs(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines.release import browser

    release = _current(settings)
    path = release / browser.PAGE
    if not path.is_file():
        # A release made before there was a page stays as it is: its page lies beside.
        path = browser.write_page(release, settings.build / "docs" / f"{release.name}.html")
    if options.open:
        import webbrowser

        webbrowser.open(path.as_uri())
    out(json.dumps({"path": str(path)}) if options.json else _shown(settings, path))
    return 0


def command_find(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines import explain

    found = explain.find(_current(settings), options.word)
    if options.json:
        out(json.dumps(found, ensure_ascii=False, indent=1, default=str))
    else:
        out(explain.find_text(found))
    return 0


def command_circle(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines import circle

    release = _current(settings)
    if options.verb == "list":
        rows = circle.listed(release)
        out(json.dumps(rows, ensure_ascii=False, indent=1) if options.json else
            circle.list_text(rows))  # fmt: skip
        return 0
    if options.verb == "show":
        answer = circle.show(release, options.circle_id)
        out(json.dumps(answer, ensure_ascii=False, indent=1, default=str) if options.json else
            circle.text(answer))  # fmt: skip
        return 0
    if (options.file is None) == (not options.member):
        raise MetrocircleError("expected a YAML file, or --member for each member, and not both")
    definition = (
        circle.read_definition(options.file)
        if options.file
        else circle.from_arguments(options.member, options.valid_from)
    )
    answer = circle.compute(release, definition, options.indicator, options.year, options.vintage)
    if options.json:
        out(json.dumps(answer, ensure_ascii=False, indent=1, default=str))
    elif options.csv:
        import polars as pl

        from pipelines.release import export

        frame = pl.DataFrame(answer["values"], infer_schema_length=None)
        sys.stdout.write(export.to_csv(frame))
    else:
        out(circle.text(answer, every_year=options.all or options.year is not None))
    return 0


def command_query(settings: Settings, options: argparse.Namespace) -> int:
    import polars as pl

    from pipelines.release import export
    from pipelines.release.query import query, records

    sql = options.sql
    if sql.endswith(".sql") and "\n" not in sql:
        sql = Path(sql).read_text(encoding="utf-8")
    frame = query(_current(settings), sql, options.limit)
    if options.json:
        out(json.dumps(records(frame), ensure_ascii=False, indent=1, allow_nan=False))
    elif options.csv:
        try:
            sys.stdout.write(export.to_csv(frame, raw=options.raw))
        except pl.exceptions.ComputeError as error:
            raise MetrocircleError(f"CSV has no room for lists or bytes: {error}") from error
    else:
        terminal = shutil.get_terminal_size((160, 40)).columns
        with pl.Config(
            tbl_rows=options.limit, tbl_cols=40, tbl_width_chars=max(terminal, 120),
            fmt_str_lengths=60, tbl_hide_dataframe_shape=True,
        ):  # fmt: skip
            out(str(frame))
    return 0


def command_reproduce(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines import reproduce
    from pipelines.release.publish import current_release

    current = current_release(settings)
    if current is None or current.problem:
        raise MetrocircleError(
            (current and current.problem) or "no release yet; run `metrocircle refresh`"
        )
    facts = reproduce.report(current.path)
    if options.json:
        out(json.dumps(facts, ensure_ascii=False, indent=1))
    elif options.markdown:
        out(reproduce.markdown(facts))
    else:
        out(reproduce.text(facts))
        folder = options.write or settings.warehouse / "reports"
        for path in reproduce.write(facts, folder):
            out(f"\nwritten to {_shown(settings, path)}")
    return 0


def command_diff(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines.release import diff

    if not 0 <= options.tolerance < math.inf:
        raise MetrocircleError(f"the tolerance must be 0 or more, found {options.tolerance}")
    found = diff.compare(
        settings, options.a, options.b,
        provenance=options.provenance, tolerance=options.tolerance,
    )  # fmt: skip
    if options.json:
        out(json.dumps(found.document(), ensure_ascii=False, indent=1, default=str))
    else:
        out(diff.markdown(found) if options.markdown else diff.text(found))
    return 0


def command_rejects(settings: Settings, options: argparse.Namespace) -> int:
    rows = _lake_rejects(settings, options.severity)
    if options.rerun:
        return _rerun(settings, options, {row["slice"] for row in rows})
    refused = _refused_files(settings) if options.severity in (None, "refused") else []
    if options.json:
        out(json.dumps(rows + refused, ensure_ascii=False, indent=1))
    else:
        _print_rejects(rows + refused)
        out(f"{len(rows)} rejects" + (f", {len(refused)} files refused" if refused else ""))
    return 0


def _rerun(settings: Settings, options: argparse.Namespace, names: set[str]) -> int:
    """Extract the slices again that hold rejects; a reject's slice may bear its source's name."""
    from pipelines import staleness

    known, _ = staleness.held_slices(settings)
    again = [s.key for s in known if s.name in names or (s.name == "all" and s.source in names)]
    if not again:
        out("no slice holds rejects")
        return 0
    arguments = [part for key in again for part in ("--slice", key)]
    refresh = parser().parse_args(["refresh", *(["--json"] if options.json else []), *arguments])
    return command_refresh(settings, refresh)


def command_pin(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines.release import keep

    if options.release and options.remove:
        keep.unpin(settings, options.release)
    elif options.release:
        keep.pin(settings, options.release, options.reason)
    elif options.remove:
        raise MetrocircleError("--remove: which release?")
    held = keep.pins(settings)
    if options.json:
        out(json.dumps(held, ensure_ascii=False, indent=1))
    else:
        for release, entry in sorted(held.items()):
            out(f"{release}  pinned {entry.get('time', '')}  {entry.get('reason', '')}".rstrip())
        out(f"{len(held)} pinned")
    return 0


def command_prune(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines.release import keep

    if options.dry_run:
        names, freed = keep.doomed(settings, options.keep), None
    else:
        pruned = keep.prune(settings, options.keep)
        names, freed = list(pruned.removed), pruned.freed
    if options.json:
        out(json.dumps({"removed": names, "freed_bytes": freed, "dry_run": options.dry_run}))
        return 0
    for name in names:
        out(f"{'would remove' if options.dry_run else 'removed'} {name}")
    kept = len(keep.releases(settings)) - (len(names) if options.dry_run else 0)
    out(f"{kept} releases stay" + ("" if freed is None else f", {freed >> 20} MB freed"))
    return 0


def command_rebuild_check(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines.release import rebuild

    found = rebuild.check(settings, once=options.once, folder=options.keep)
    if options.json:
        out(json.dumps(found.document(), ensure_ascii=False, indent=1))
    else:
        out(found.text())
    return 0 if found.is_same else 1


def command_withdraw(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines import staleness
    from pipelines.archive import store, withdraw

    document, edition = options.document, options.edition
    if options.undo:
        withdraw.restore(settings.sources, document, edition)
    else:
        slices, _ = staleness.held_slices(settings)
        known = {f"{s.document} {s.edition}" for held in slices for s in held.snapshots}
        withdraw.withdraw(settings.sources, sorted(known), document, edition, options.reason)
    outcome = "restored" if options.undo else "withdrawn"
    store.log(settings.archive, outcome, document=document, edition=edition, reason=options.reason)
    if options.json:
        out(json.dumps({"document": document, "edition": edition, "outcome": outcome}))
    else:
        out(
            f"{document} {edition} is {outcome} (sources/{withdraw.FILE}); its files stay in the "
            "archive and in earlier releases\nNext: metrocircle refresh"
        )
    return 0


def command_use(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines.release.publish import use

    release = use(settings, options.release)
    out(json.dumps({"release_id": release.release_id}) if options.json else
        f"release {release.release_id} is in use")  # fmt: skip
    return 0


def command_dashboard(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines import site

    _current(settings)
    dist = settings.root / "dashboard" / "dist"
    with site.server(site.Site(dist, settings.warehouse, options.boundaries), options.port) as web:
        out(f"dashboard: http://127.0.0.1:{web.server_port}/  (Ctrl-C ends it)")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            web.serve_forever()
    return 0


def command_doctor(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines.doctor import examine

    findings = examine(settings)
    if options.json:
        out(json.dumps([f.__dict__ for f in findings], ensure_ascii=False, indent=1))
    else:
        for finding in findings:
            out(f"{'ok  ' if finding.is_well else 'BAD '} {finding.what}: {finding.text}")
    return 0 if all(finding.is_well for finding in findings) else 1


def _date(text: str) -> date:
    return date.fromisoformat(text)


def command_fetch(settings: Settings, options: argparse.Namespace) -> int:
    import importlib

    client = importlib.import_module(f"pipelines.{options.source}.client")
    from pipelines.archive import fetch

    fetch.permitted(settings, options.source, options.at)
    started = fetch.start(settings, client.site(options), options.at, options.limit, _say)
    try:
        facts = client.run(settings, started, options)
    except KeyboardInterrupt:
        _say("interrupted; the same command goes on from here")
        return 1
    if options.json:
        out(json.dumps(facts, ensure_ascii=False, indent=1))
        return 1 if facts.get("failed") else 0
    for name, value in facts.items():
        shown = f"{len(value)}" if isinstance(value, list) and name != "files" else value
        if name == "files":
            shown = "".join(f"\n  warehouse/{file}" for file in value) or "none"
        out(f"{name.replace('_', ' ')}: {shown}")
    if facts.get("failed"):
        out("run the same command again: only what failed is asked")
        return 1
    out("a refresh takes the files in: metrocircle refresh")
    return 0


def _say(text: str) -> None:
    """Progress goes to stderr, so that stdout stays what a program may read."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def command_contract(settings: Settings, options: argparse.Namespace) -> int:
    from pipelines import contract
    from pipelines.transform import contracts

    known = contract.load(settings.contract)
    if options.write:
        for path in contracts.write(known, settings.dbt_project):
            out(f"wrote {_shown(settings, path)}")
        return 0
    stale = [
        path
        for path, text in contracts.rendered(known).items()
        if not (settings.dbt_project / "models" / path).exists()
        or (settings.dbt_project / "models" / path).read_text(encoding="utf-8") != text
    ]
    for path in stale:
        out(f"differs from the contract: dbt_project/models/{path}")
    return 1 if stale else 0


def command_transcribe(settings: Settings, options: argparse.Namespace) -> int:
    from importlib import import_module

    if not options.originals.is_dir():
        raise MetrocircleError(f"{options.originals} is not a folder")
    for source in (options.source,) if options.source else TRANSCRIBED:
        module = import_module(f"pipelines.{source}.transcribe")
        for line in module.transcribe(options.originals.resolve(), settings.sources):
            out(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The quality room in Dagster: every suite of `expectations/` as one asset check of its table.

Belongs here: handing suites to Dagster and their results to the release. Not here: rules, running.
A broken rule of severity error blocks what reads the table, and with it the release. One check a
suite, not one a rule: each check costs Dagster several database writes, and the ledger has all.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from expectations import load_suites
from pipelines import contract, kept, lake
from pipelines.contract import Contract, Table
from pipelines.extract import forget_gone
from pipelines.fingerprint import Hasher
from pipelines.orchestration import profile
from pipelines.quality import ledger, runner
from pipelines.quality import results as results_on_disk
from pipelines.quality.ledger import CheckResult
from pipelines.release.publish import current_release
from pipelines.settings import Settings
from pipelines.sources import SOURCES
from pipelines.step import ground, step

# Rejects come from every source, so their suite waits for all of them.
REJECTS = "rejects"
# What decides, beside the tables, what the rules find in them.
_CODE = ("expectations", "pipelines/quality", "pipelines/contract.py", "requirements.lock")


def parts() -> dict[str, tuple[str, ...]]:
    """Tables by the step that judges them: one step a source, and one for the rejects of all.

    Not one step for everything: a step that judged the divisions and the observations, which are
    read against the divisions, would stand before and after the extraction of the latter.
    """
    return {source.name: source.tables for source in SOURCES} | {REJECTS: (REJECTS,)}


def build_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    return [_checks_of(settings, part, tables) for part, tables in parts().items()]


def _checks_of(settings: Settings, part: str, tables: tuple[str, ...]) -> dg.AssetChecksDefinition:
    extracted = [["lake", table] for source in SOURCES for table in source.tables]
    specs = [
        dg.AssetCheckSpec(
            name="expectations",
            asset=["lake", suite.table],
            description="\n".join(f"- {rule.rule_id}: {rule.expected}" for rule in suite.rules),
            blocking=True,
            additional_deps=extracted if part == REJECTS else None,
        )
        for suite in load_suites(tables)
    ]

    @dg.multi_asset_check(name=f"arriving_{part}", specs=specs)
    def arriving(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        with step(settings), profile.phase("checks"):
            known = contract.load(settings.contract)
            forget_gone(settings)
            stands_on = ground(settings)
            results_on_disk.forget(settings, f"{runner.ENGINE}-{part}")
            in_use = current_release(settings)
            previous = in_use.path if in_use and not in_use.problem else None
            results, asked = judge(settings, tables, known, previous)
            results_on_disk.save(settings, f"{runner.ENGINE}-{part}", results, stands_on)
        by_table = defaultdict(list)
        for result in results:
            by_table[result.table_name].append(result)
        for table, found in by_table.items():
            yield _check_result(table, found, is_kept=table not in asked)

    return arriving


def judge(
    settings: Settings, tables: Sequence[str], known: Contract, previous: Path | None
) -> tuple[list[CheckResult], set[str]]:
    """What the suites find, and which were asked: only those whose rules, code or tables changed.

    A finding that stops the release is never kept: some pass by themselves (no memory left).
    """
    grounds = _grounds(settings, tables, known, previous)
    found: dict[str, list[CheckResult]] = {}
    for table, rests_on in grounds.items():
        before = kept.recall(settings, f"checks-{table}", rests_on)
        if before is not None:
            found[table] = results_on_disk.from_rows(before)
    stale = [table for table in tables if table not in found]
    if stale:
        for table in stale:
            found[table] = []
        for result in runner.run_suites(settings.lake, known, settings.threads, stale, previous):
            found[result.table_name].append(result)
    for table in stale:
        if not any(result.status == "fail" for result in found[table]):
            rows = results_on_disk.as_rows(found[table])
            kept.keep(settings, f"checks-{table}", grounds[table], rows)
    for table, results in found.items():
        rules = len({result.rule_id for result in results})
        profile.count("rules", rules if table in stale else 0, rules)
    return [result for table in sorted(found) for result in found[table]], set(stale)


def _grounds(
    settings: Settings, tables: Sequence[str], known: Contract, previous: Path | None
) -> dict[str, str]:
    """By suite a hash over rules, code, the tables it reads, and those of the release in use."""
    reads = {table: runner.tables_read(load_suites([table]), known) for table in tables}
    names = sorted({table.name for read in reads.values() for table in read})
    contents = lake.contents(settings.lake, names)
    code = f"{Hasher(settings).of(_CODE)} {known.fingerprint}"
    released = _released(previous)

    def content(table: Table) -> str:
        was = released.get(f"{table.schema}.{table.name}")
        return f"{table.name} {contents[table.name]} {was}"

    return {
        suite: hashlib.sha256("\n".join([code, *map(content, read)]).encode()).hexdigest()
        for suite, read in reads.items()
    }


def _released(previous: Path | None) -> dict[str, Any]:
    """Content hashes of the release in use by table; none of one that cannot be read."""
    try:
        text = (previous / "release.json").read_text(encoding="utf-8") if previous else "{}"
        return {name: entry["content_hash"] for name, entry in json.loads(text)["tables"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _check_result(
    table: str, found: Sequence[CheckResult], *, is_kept: bool
) -> dg.AssetCheckResult:
    broken = [part for part in found if part.status in {"fail", "warn"}]
    stops = bool(ledger.blocking(found))
    return dg.AssetCheckResult(
        asset_key=["lake", table],
        check_name="expectations",
        passed=not broken,
        severity=dg.AssetCheckSeverity.ERROR if stops else dg.AssetCheckSeverity.WARN,
        metadata={
            "rules": len({part.rule_id for part in found}),
            kept.METADATA: is_kept,
            "observed": "; ".join(f"{p.rule_id} [{p.slice}]: {p.observed}" for p in broken)
            or "as expected",
            "samples": "\n".join(s for part in broken for s in part.samples) or "none",
        },
    )

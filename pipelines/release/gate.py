"""May this release follow the one in use? Judged by what it changes, against thresholds.

Belongs here: the thresholds and the verdict. Not here: comparing two releases (`diff`), rules about
what arrives (`expectations/`), publishing (`publish`).

A release that changes more than a refresh should is made, verified and *held back*: its folder is
there, `current` stays, and a person decides (`metrocircle diff`, then `metrocircle use`; or
beforehand, of a correction or a backfill, `metrocircle refresh --accept`). A raised
schema version declares that much will change, so the shares then only warn. What is found depends
on the release before, so it stands beside the release (`warehouse/checks/`), not in its ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pipelines.errors import ReleaseRefused
from pipelines.quality import ledger
from pipelines.quality.ledger import ALL, CheckResult
from pipelines.release.diff import Diff, TableDiff

ENGINE = "release"
# Tables that tell what is wrong or missing: they change with every edition that arrives.
NOT_JUDGED = {"main.gap", "main.ledger", "main.rejects"}
# A tenth of a small table is a handful of rows, and no reason to stop.
FEW_ROWS = 20


@dataclass(frozen=True)
class Threshold:
    """At most this share of a table's rows before may do what `count` counts.

    severity: `error` holds the release back.
    """

    rule_id: str
    severity: str
    owner: str
    share: float
    count: Callable[[TableDiff], int]
    expected: str


THRESHOLDS = (
    Threshold(
        "rows_stay", "error", "data-engineering", 0.05, lambda t: t.removed,
        "at most 5 % of a table's rows are gone",
    ),
    Threshold(
        "values_stay", "error", "domain", 0.10, lambda t: t.values_changed,
        "at most 10 % of a table's rows have another number",
    ),
    Threshold(
        "values_do_not_vanish", "error", "domain", 0.02, lambda t: t.values_vanished,
        "at most 2 % of a table's rows lose a number",
    ),
    Threshold(
        "growth_is_plausible", "warning", "domain", 1.0, lambda t: t.added,
        "a table at most doubles",
    ),
)  # fmt: skip
VERSION = (
    "schema_version_is_honest",
    "no table, column, type, unit or key goes without a raised schema version",
)


class ReleaseHeld(ReleaseRefused):
    """The release is made and sound, and changes so much that a person has to accept it."""

    def __init__(self, release_id: str, from_release: str, broken: Sequence[CheckResult]) -> None:
        self.release_id = release_id
        self.broken = tuple(broken)
        found = "\n".join(
            f"  {c.table_name}: {c.observed}; expected: {c.expected}" for c in broken[:10]
        )
        super().__init__(
            f"release {release_id} is made and held back, {from_release} stays in use:\n{found}\n"
            f"look: metrocircle diff {from_release} {release_id}\n"
            f"accept: metrocircle use {release_id}"
        )


def judge(diff: Diff) -> list[CheckResult]:
    """One result per threshold and changed table, one about the schema version."""
    declared = diff.to_schema != diff.from_schema
    # What only adds columns breaks no reader.
    severity = "error" if diff.schema_change == "major" else "warning"
    results = [_result(*VERSION, "all tables", severity, "data-engineering", _version(diff))]
    for table in diff.tables:
        if table.table in NOT_JUDGED or table.table.startswith("meta."):
            continue
        for threshold in THRESHOLDS:
            count = threshold.count(table)
            is_broken = count > max(FEW_ROWS, threshold.share * table.rows_before)
            severity = "warning" if declared else threshold.severity
            observed = f"{count} of {table.rows_before} rows" if is_broken else ""
            results.append(
                _result(
                    threshold.rule_id, threshold.expected, table.table, severity,
                    threshold.owner, observed, tuple(_samples(table)),
                )
            )  # fmt: skip
    return results


def refuse_if_too_much(diff: Diff, results: Sequence[CheckResult]) -> None:
    """ReleaseHeld when a result of severity error failed."""
    broken = ledger.blocking(results)
    if broken:
        raise ReleaseHeld(diff.to_release, diff.from_release, broken)


def _version(diff: Diff) -> str:
    if diff.version_is_honest:
        return ""
    return f"a {diff.schema_change} change, and version {diff.from_schema} became {diff.to_schema}"


def _samples(table: TableDiff) -> Iterator[str]:
    for example in (*table.examples, *table.removed_keys)[:5]:
        yield ", ".join(f"{name}={value}" for name, value in example.items())


def _result(
    rule_id: str,
    expected: str,
    table: str,
    severity: str,
    owner: str,
    observed: str,
    samples: tuple[str, ...] = (),
) -> CheckResult:
    broken = "warn" if severity == "warning" else "fail"
    return CheckResult(
        rule_id=rule_id,
        table_name=table,
        slice=ALL,
        engine=ENGINE,
        severity=severity,
        owner=owner,
        status=broken if observed else "pass",
        observed=observed or "within the threshold",
        expected=expected,
        failing_rows=1 if observed else 0,
        samples=samples if observed else (),
        is_historical=True,
    )

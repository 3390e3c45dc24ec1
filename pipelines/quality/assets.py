"""The quality room in Dagster: every suite of `expectations/` as one asset check of its table.

Belongs here: handing suites to Dagster and their results to the release. Not here: rules, running.
A broken rule of severity error blocks what reads the table, and with it the release. One check a
suite, not one a rule: each check costs Dagster several database writes, and the ledger has all.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import dagster as dg

from expectations import load_suites
from pipelines import contract
from pipelines.orchestration import profile
from pipelines.quality import ledger, runner
from pipelines.quality import results as results_on_disk
from pipelines.quality.ledger import CheckResult
from pipelines.settings import Settings


def build_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    specs = [
        dg.AssetCheckSpec(
            name="expectations",
            asset=["lake", suite.table],
            description="\n".join(f"- {rule.rule_id}: {rule.expected}" for rule in suite.rules),
            blocking=True,
        )
        for suite in load_suites()
    ]

    @dg.multi_asset_check(name="arriving_tables", specs=specs)
    def arriving_tables(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        """All suites over the arriving slices, in one step and one read-only DuckDB."""
        known = contract.load(settings.contract)
        with profile.phase("checks"):
            results = runner.run_suites(settings.lake, known, settings.threads)
        results_on_disk.save(settings, runner.ENGINE, results)
        by_table = defaultdict(list)
        for result in results:
            by_table[result.table_name].append(result)
        for table, parts in by_table.items():
            yield _check_result(table, parts)

    return [arriving_tables]


def _check_result(table: str, parts: Sequence[CheckResult]) -> dg.AssetCheckResult:
    broken = [part for part in parts if part.status in {"fail", "warn"}]
    stops = bool(ledger.blocking(parts))
    return dg.AssetCheckResult(
        asset_key=["lake", table],
        check_name="expectations",
        passed=not broken,
        severity=dg.AssetCheckSeverity.ERROR if stops else dg.AssetCheckSeverity.WARN,
        metadata={
            "rules": len({part.rule_id for part in parts}),
            "observed": "; ".join(f"{p.rule_id} [{p.slice}]: {p.observed}" for p in broken)
            or "as expected",
            "samples": "\n".join(s for part in broken for s in part.samples) or "none",
        },
    )

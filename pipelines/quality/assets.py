"""The quality room in Dagster: every rule of `expectations/` as an asset check.

Belongs here: handing suites to Dagster and their results to the release. Not here: rules, running.
A broken rule of severity error blocks what reads the table, and with it the release.
"""

from collections import defaultdict
from collections.abc import Iterator

import dagster as dg

from expectations import load_suites
from pipelines import contract
from pipelines.orchestration import profile
from pipelines.quality import results as results_on_disk
from pipelines.quality import runner
from pipelines.settings import Settings


def build_checks(settings: Settings) -> list[dg.AssetChecksDefinition]:
    specs = [
        dg.AssetCheckSpec(
            name=rule.rule_id,
            asset=["lake", suite.table],
            description=rule.expected,
            blocking=rule.severity == "error",
            metadata={"owner": rule.owner, "engine": runner.ENGINE},
        )
        for suite in load_suites()
        for rule in suite.rules
    ]

    @dg.multi_asset_check(name="arriving_tables", specs=specs)
    def arriving_tables(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        """All suites over the arriving slices, in one step and one read-only DuckDB."""
        known = contract.load(settings.contract)
        with profile.phase("checks"):
            results = runner.run_suites(settings.lake, known, settings.threads)
        results_on_disk.save(settings, runner.ENGINE, results)
        by_rule = defaultdict(list)
        for result in results:
            by_rule[result.table_name, result.rule_id].append(result)
        for (table, rule_id), parts in by_rule.items():
            broken = [part for part in parts if part.status in {"fail", "warn"}]
            yield dg.AssetCheckResult(
                asset_key=["lake", table],
                check_name=rule_id,
                passed=not broken,
                severity=(
                    dg.AssetCheckSeverity.ERROR
                    if parts[0].severity == "error"
                    else dg.AssetCheckSeverity.WARN
                ),
                metadata={
                    "failing_rows": sum(part.failing_rows or 0 for part in parts),
                    "observed": "; ".join(f"{p.slice}: {p.observed}" for p in broken)
                    or "as expected",
                    "samples": "\n".join(s for part in broken for s in part.samples) or "none",
                },
            )

    return [arriving_tables]

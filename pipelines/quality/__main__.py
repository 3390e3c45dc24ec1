"""`python -m pipelines.quality <lake>`: judge a lake, print what was found, exit 1 if it blocks.

Belongs here: the command line of this room. Not here: judging (runner) or publishing the ledger.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines import contract, settings
from pipelines.quality.ledger import CheckResult, blocking


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when nothing blocks a release, 1 when something does, 2 for a wrong call."""
    known = settings.load()
    parser = argparse.ArgumentParser(prog="python -m pipelines.quality", description=__doc__)
    parser.add_argument("lake", type=Path, nargs="?", default=known.lake)
    parser.add_argument("--table", action="append", help="only this table (repeatable)")
    parser.add_argument("--all", action="store_true", help="list the rules that hold as well")
    options = parser.parse_args(arguments)
    if not options.lake.is_dir():
        parser.error(f"{options.lake} is not a folder; a lake holds <table>/<slice>.parquet")

    from expectations import SUITES
    from pipelines.quality.runner import run_suites

    unknown = sorted(set(options.table or ()) - set(SUITES))
    if unknown:
        parser.error(f"no suite for {', '.join(unknown)}; there are: {', '.join(SUITES)}")
    terms = contract.load(known.contract)
    # Another lake than the warehouse's own is not what the release in use was made of.
    is_own = options.lake.resolve() == known.lake and known.current.exists()
    previous = known.current.resolve() if is_own else None
    results = run_suites(options.lake, terms, known.threads, options.table, previous)
    sys.stdout.write(report(results, everything=options.all))
    return 1 if blocking(results) else 0


def report(results: Sequence[CheckResult], *, everything: bool = False) -> str:
    """A table of the results that are not `pass` (or of all), samples below each, and totals."""
    shown = [r for r in results if everything or r.status != "pass"]
    lines = [f"{'status':7}{'severity':10}{'rule':54}{'slice':34}observed"] if shown else []
    for result in shown:
        rule = f"{result.table_name}.{result.rule_id}"
        lines.append(
            f"{result.status:7}{result.severity:10}{rule:54}{result.slice:34}{result.observed}"
        )
        if result.status != "pass":
            lines.append(f"{'':17}expected: {result.expected} (ask: {result.owner})")
        lines.extend(f"{'':17}{sample}" for sample in result.samples)
    counts = dict.fromkeys(("pass", "warn", "fail"), 0)
    for result in results:
        counts[result.status] += 1
    totals = ", ".join(f"{count} {status}" for status, count in counts.items())
    lines.append(f"{len(results)} results: {totals}; {len(blocking(results))} block a release")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

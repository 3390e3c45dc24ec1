"""The bare work of a refresh: the functions of the rooms in their order, and nothing else.

No Dagster run, no plan, no report. `bench_refresh.py` runs it in a process of its own; laps bear
the names of the phases of `metrocircle refresh --profile` and go as JSON into the file named.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


class Laps:
    """Seconds and processor seconds by phase."""

    def __init__(self) -> None:
        self.taken: dict[str, tuple[float, float]] = {}
        self._last = (time.perf_counter(), time.process_time())

    def lap(self, name: str) -> None:
        now = (time.perf_counter(), time.process_time())
        self.taken[name] = (now[0] - self._last[0], now[1] - self._last[1])
        self._last = now


def main(out: Path) -> None:
    laps = Laps()
    from pipelines import contract, staleness
    from pipelines import settings as settings_module
    from pipelines.environment import assets as environment
    from pipelines.extract import extract_tables
    from pipelines.geography import assets as geography
    from pipelines.publications import assets as publications
    from pipelines.rail import assets as rail
    from pipelines.registry import assets as registry
    from pipelines.staleness import Slice
    from pipelines.step import ground
    from pipelines.yearbook import assets as yearbook

    laps.lap("imports")
    settings = settings_module.load()
    held, _ = staleness.held_slices(settings)

    def of(source: str) -> list[Slice]:
        return [item for item in held if item.source == source]

    registry.extract(settings)
    geography.extract(settings)
    publications.extract(settings)
    yearbook.extract(settings, of("yearbook"))
    rail.extract_network(settings)
    rail.extract(settings, of("rail"))
    extract_tables(settings, environment.RULES, environment.READERS)
    environment.extract(settings, of("environment"))
    laps.lap("extract")
    from pipelines.quality import assets as quality
    from pipelines.quality import ledger, results, runner

    known = contract.load(settings.contract)
    stands_on = ground(settings)
    for part, tables in quality.parts().items():
        found = runner.run_suites(settings.lake, known, settings.threads, tables)
        results.save(settings, f"{runner.ENGINE}-{part}", found, stands_on)
    laps.lap("checks")
    from pipelines.transform import lineage, project

    project.ensure_manifest(settings)
    laps.lap("definitions")
    built = project.build(settings)
    if not built.success:
        raise RuntimeError(built.message)
    checks = ledger.from_dbt(built.run_results, built.manifest)
    results.save(settings, "dbt", checks, stands_on)
    laps.lap("dbt")
    lineage.save(settings, built.run_results, built.manifest, project.columns(settings))
    laps.lap("column_lineage")
    from pipelines.release import assets as release

    release.make(settings)
    laps.lap("release")
    wall = sum(taken for taken, _ in laps.taken.values())
    out.write_text(json.dumps({**laps.taken, "total": (wall, time.process_time())}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

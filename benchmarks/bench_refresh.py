"""A refresh from scratch and an unchanged one, against the bare work inside them.

The work: the embedded facts, from files to a verified release. The bare work calls the same
functions in the same order, with no Dagster, no plan and no report: parse, checks, dbt in process,
write and verify. The limit: a refresh from scratch costs at most 1.5 times the bare work, and an
unchanged refresh little more than starting Python.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__" and not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import measure

BARE = """
import sys
from pipelines import settings as s, staleness, contract
from pipelines.environment import assets as environment
from pipelines.geography import assets as geography
from pipelines.publications import assets as publications
from pipelines.rail import assets as rail
from pipelines.registry import assets as registry
from pipelines.yearbook import assets as yearbook
from pipelines.extract import extract_tables
settings = s.load()
held, _ = staleness.held_slices(settings)
of = lambda name: [x for x in held if x.source == name]
registry.extract(settings)
geography.extract(settings)
publications.extract(settings)
yearbook.extract(settings, of("yearbook"))
rail.extract_network(settings)
rail.extract(settings, of("rail"))
extract_tables(settings, environment.RULES, environment.READERS)
environment.extract(settings, of("environment"))
from pipelines.quality import assets as quality, ledger, results, runner
from pipelines.step import ground
known = contract.load(settings.contract)
for part, tables in quality.parts().items():
    found = runner.run_suites(settings.lake, known, settings.threads, tables)
    results.save(settings, f"{runner.ENGINE}-{part}", found, ground(settings))
from pipelines.transform import project
project.ensure_manifest(settings)
built = project.build(settings)
assert built.success, built.message
results.save(settings, "dbt", ledger.from_dbt(built.run_results, built.manifest), ground(settings))
from pipelines.release import assets as release
print(release.make(settings).release_id)
"""


def main() -> int:
    options = measure.arguments(__doc__ or "").parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench_refresh_"))
    try:
        sections = [_scratch(folder, options.rounds), _unchanged(folder, options.rounds)]
    finally:
        shutil.rmtree(folder)
    text = "\n\n".join(sections)
    print(text)  # noqa: T201
    if options.write:
        measure.write("refresh", text)
    return 0


def _environment(warehouse: Path) -> dict[str, str]:
    return {
        "METROCIRCLE_WAREHOUSE": str(warehouse),
        "METROCIRCLE_DAGSTER_STORAGE": str(warehouse / "dagster"),
        "DAGSTER_HOME": str(measure.ROOT),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }


def _scratch(folder: Path, rounds: int) -> str:
    script = folder / "bare.py"
    script.write_text(BARE, encoding="utf-8")
    contenders = [
        measure.Contender(
            name,
            command,
            env=_environment(folder / short),
            prepare=lambda target=folder / short: shutil.rmtree(target, ignore_errors=True),
        )
        for name, short, command in (
            ("bare work", "bare", measure.python(script)),
            ("refresh from scratch", "full", [*_metrocircle(), "refresh"]),
        )
    ]
    return "From scratch:\n\n" + measure.table(measure.compare(contenders, rounds))


def _unchanged(folder: Path, rounds: int) -> str:
    contenders = [
        measure.Contender("python that does nothing", measure.python("-c", "pass")),
        measure.Contender(
            "unchanged refresh", [*_metrocircle(), "refresh"], env=_environment(folder / "full")
        ),
        measure.Contender("importing Dagster alone", measure.python("-c", "import dagster")),
    ]
    return "Nothing changed:\n\n" + measure.table(measure.compare(contenders, max(rounds, 5)))


def _metrocircle() -> list[str]:
    return [sys.executable, "-m", "pipelines.cli"]


if __name__ == "__main__":
    raise SystemExit(main())

"""A refresh from scratch and an unchanged one, against the bare work inside them.

The work: the embedded facts, from files to a verified release. The bare work calls the same
functions in the same order, with no Dagster, no plan and no report: parse, checks, dbt in process,
write and verify. The limit: a refresh from scratch costs at most 1.5 times the bare work, and an
unchanged refresh little more than starting Python.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__" and not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import bare_refresh, measure

PHASES = ("imports", "definitions", "extract", "checks", "dbt", "column_lineage", "release")


def main() -> int:
    options = measure.arguments(__doc__ or "").parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench_refresh_"))
    try:
        sections = [
            _scratch(folder, options.rounds),
            _phases(folder),
            _unchanged(folder, options.rounds),
        ]
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
    # The shell keeps what the refresh says of itself; it starts in a millisecond.
    full = f'exec "$0" -m pipelines.cli refresh --profile --json > {folder / "full.json"}'
    contenders = [
        measure.Contender(
            name,
            command,
            env=_environment(folder / short),
            prepare=lambda target=folder / short: shutil.rmtree(target, ignore_errors=True),
        )
        for name, short, command in (
            ("bare work", "bare", measure.python(bare_refresh.__file__, str(folder / "bare.json"))),
            ("refresh from scratch", "full", ["sh", "-c", full, sys.executable]),
        )
    ]
    return "From scratch:\n\n" + measure.table(measure.compare(contenders, rounds))


def _phases(folder: Path) -> str:
    """Where the seconds of the last round of both went; what a phase does not name is Dagster's."""
    bare = json.loads((folder / "bare.json").read_text(encoding="utf-8"))
    full = json.loads((folder / "full.json").read_text(encoding="utf-8"))
    walls, busys = full["seconds"], full["processor_seconds"]
    lines = [
        "| phase (last round) | bare s | bare processor s | refresh s | refresh processor s |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    sums = [0.0, 0.0]
    for name in PHASES:
        own = (walls.get(name, 0.0), busys.get(name, 0.0))
        sums = [sums[0] + own[0], sums[1] + own[1]]
        lines.append(
            f"| {name} | {bare[name][0]:.2f} | {bare[name][1]:.2f} | {own[0]:.2f} | {own[1]:.2f} |"
        )
    rest = (walls["total"] - sums[0], busys["total"] - sums[1])
    lines.append(f"| runs, events and steps of Dagster | | | {rest[0]:.2f} | {rest[1]:.2f} |")
    lines.append(
        f"| all | {bare['total'][0]:.2f} | {bare['total'][1]:.2f} | {walls['total']:.2f} "
        f"| {busys['total']:.2f} |"
    )
    return "\n".join(lines)


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

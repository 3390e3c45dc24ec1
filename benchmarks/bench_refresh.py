"""A refresh from scratch, of one new slice, and an unchanged one, against the bare work inside.

The work: the embedded facts, from files to a verified release. The bare work calls the same
functions in the same order, with no Dagster, no plan and no report: parse, checks, dbt in process,
write and verify. One new slice is a month of a bulletin, a service date, an edition, each given to
a warehouse that holds all but that. The limit: a refresh from scratch costs at most 1.5 times the
bare work, one of a new slice does only what depends on it, and an unchanged one costs little more
than starting Python.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

if __name__ == "__main__" and not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import bare_refresh, measure

PHASES = ("imports", "definitions", "extract", "checks", "dbt", "column_lineage", "release")
SLICES = {
    "a month of a bulletin": "environment/transcriptions/gd_env_bulletin/2019-06.csv",
    "a service date": "rail/transcriptions/cr_timetable_240410/2024-05-01",
    "an edition": "yearbook/transcriptions/guangdong_yearbook/2025.csv",
}


def main() -> int:
    options = measure.arguments(__doc__ or "").parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench_refresh_"))
    try:
        sections = [
            _scratch(folder, options.rounds),
            _phases(folder),
            _unchanged(folder, options.rounds),
            _one_more(folder),
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


def _one_more(folder: Path) -> str:
    """Take three slices away, give them back one by one; what each refresh did and what it took."""
    scratch = json.loads((folder / "full.json").read_text(encoding="utf-8"))
    sources, every = folder / "sources", measure.ROOT / "sources"
    shutil.copytree(every, sources)
    _remove(sources / path for path in SLICES.values())
    _refresh(folder, sources)
    # Or the last one would find the first release there, and write none.
    shutil.rmtree(folder / "full" / "releases" / scratch["release_id"])
    lines = [
        "| | seconds | processor s | " + " | ".join(scratch["done"]) + " |",
        "| --- " + "| ---: " * (2 + len(scratch["done"])) + "|",
        _row("from scratch (above)", scratch),
    ]
    for name, path in SLICES.items():
        copy = shutil.copytree if (every / path).is_dir() else shutil.copyfile
        copy(every / path, sources / path)
        lines.append(_row(name, _refresh(folder, sources)))
    return "One more slice, and how much was done anew of all there is:\n\n" + "\n".join(lines)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _refresh(folder: Path, sources: Path) -> dict[str, Any]:
    environment = {**os.environ, **_environment(folder / "full")}
    command = [*_metrocircle(), "refresh", "--profile", "--json", "--accept"]
    done = subprocess.run(
        command, cwd=measure.ROOT, env={**environment, "METROCIRCLE_SOURCES": str(sources)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def _row(name: str, facts: Mapping[str, Any]) -> str:
    counts = " | ".join(f"{anew:,} of {total:,}" for anew, total in facts["done"].values())
    wall, busy = facts["seconds"]["total"], facts["processor_seconds"]["total"]
    return f"| {name} | {wall:.1f} | {busy:.1f} | {counts} |"


def _metrocircle() -> list[str]:
    return [sys.executable, "-m", "pipelines.cli"]


if __name__ == "__main__":
    raise SystemExit(main())

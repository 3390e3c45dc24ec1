"""The dbt models on DuckDB, on Spark in one process, and on a small cluster of Spark.

The work: every seed and model, no tests, from the lake of the warehouse in use, and where the
originals lie beside the checkout once more with a national timetable in it. DuckDB and Spark each
start from a process of their own; the cluster is a master and two workers of one core on this
machine, whose start and memory count. No aim: it says what the engine for other sizes costs at this
one. Skips where Java or the environment (`make spark`) is absent.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

if __name__ == "__main__" and not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import measure
from pipelines.settings import Settings

ENGINES = ("DuckDB", "Spark, one process", "Spark, master and two workers")
MODELS = ("--exclude", "resource_type:unit_test", "resource_type:test")
ORIGINALS = Path(os.environ.get("METROCIRCLE_ORIGINALS") or measure.ROOT.parent / "shared")
RAW = ORIGINALS / "data/rail/raw/gpx0214"
WINDOW = ("time220620.min.csv.gz", "train220620.csv.gz", "station.20220630.csv")


def main() -> int:
    parser = measure.arguments(__doc__ or "")
    parser.add_argument("--one", nargs=3, metavar=("ENGINE", "LAKE", "FOLDER"), help="run just one")
    options = parser.parse_args()
    from pipelines import settings

    held = settings.load()
    if options.one:
        engine, lake, folder = options.one
        return run(ENGINES[int(engine)], held, Path(lake), Path(folder))
    if shutil.which("java") is None or not held.spark_python.exists():
        print("no Spark here: it needs Java 17 and `make spark`")  # noqa: T201
        return 0
    if not any(held.lake.glob("*/*.parquet")):
        print("no lake yet: run `make refresh`")  # noqa: T201
        return 1
    folder = Path(tempfile.mkdtemp(prefix="bench_spark_"))
    try:
        lakes = {"The embedded facts": held.lake}
        if not options.quick and RAW.is_dir():
            lakes["With a national timetable"] = _with_timetable(folder)
        text = "\n\n".join(
            f"{name}:\n\n{_compare(lake, folder / 'build', options.rounds)}"
            for name, lake in lakes.items()
        )
    finally:
        shutil.rmtree(folder)
    print(text)  # noqa: T201
    if options.write:
        measure.write("spark", text)
    return 0


def _with_timetable(folder: Path) -> Path:
    """The lake of a warehouse that took in one window of the nation."""
    drop, warehouse = folder / "drop", folder / "warehouse"
    drop.mkdir()
    for name in WINDOW:
        shutil.copy(RAW / name, drop)
    subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "refresh", "--drop", str(drop), "--accept"],
        cwd=measure.ROOT, check=True, capture_output=True,
        env={**os.environ, "METROCIRCLE_WAREHOUSE": str(warehouse)},
    )  # fmt: skip
    return warehouse / "lake"


def _compare(lake: Path, folder: Path, rounds: int) -> str:
    contenders = [
        measure.Contender(
            engine,
            measure.python(__file__, "--one", str(number), str(lake), str(folder)),
            prepare=lambda: shutil.rmtree(folder, ignore_errors=True),
        )
        for number, engine in enumerate(ENGINES)
    ]
    return measure.table(measure.compare(contenders, rounds))


def run(engine: str, held: Settings, lake: Path, folder: Path) -> int:
    """Build the models on this engine, in a folder of their own."""
    if engine == "DuckDB":
        from pipelines.transform import project

        # The lake is where the warehouse is; only the build lies elsewhere.
        folder.mkdir(parents=True)
        (folder / "lake").symlink_to(lake)
        own = replace(held, warehouse=folder)
        own.build.mkdir()
        return 0 if project._invoke(own, ["build", *MODELS]).success else 1
    from tests.fixtures.spark_cluster import LOOPBACK, cluster

    _adopt_orphans()
    script = measure.ROOT / "pipelines" / "transform" / "spark.py"
    command = [str(held.spark_python), str(script), str(lake), str(folder / "spark"), "build"]
    if engine == ENGINES[1]:
        code = _spark(command, {"METROCIRCLE_SPARK_MASTER": "local[2]"})
    else:
        folder.mkdir(parents=True)
        with cluster(held.spark_python, folder) as address:
            code = _spark(
                command, {"METROCIRCLE_SPARK_MASTER": address, "METROCIRCLE_SPARK_CONF": LOOPBACK}
            )
    _wait_for_orphans()
    return code


def _spark(command: Sequence[str], environment: Mapping[str, str]) -> int:
    return subprocess.run(
        [*command, *MODELS], env={**os.environ, **environment}, check=False
    ).returncode


def _adopt_orphans() -> None:
    """Nobody waits for the Java that a session starts, and its seconds would count nowhere."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1)


def _wait_for_orphans() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


if __name__ == "__main__":
    raise SystemExit(main())

"""How the heavy paths grow: each at 1, 10 and 100 times its input, with the exponent.

The work: reading a workbook (10,000 cells to a million); the vintages of every cell by the SQL of
the released database, sorted into Parquet as a release is (one to a hundred times the
`city_indicator_year` in use); the direct trains of the nation (22, 117 and 335 service days; needs
the folder of originals); station hours from CSV to annual indicators (131,400 hours to thirteen
million). The exponent is of processor seconds, over all sizes and over the last step: 1 doubles the
cost with the input. Small sizes are mostly imports, so the last step says how it goes on.

The last lines give the vintages a quarter of the memory that they would take: DuckDB then works out
of core, and the file it writes is the same.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__" and not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import bench_air, bench_rail, bench_workbook, measure

TIMES = (1, 10, 100)
CELLS = 10_000
HOURS = 0.01  # of the year of bench_air, at 1
DAYS = (1, 3, 5)  # timetables of bench_rail, from the shortest
MEMORY_MB = 300


@dataclass(frozen=True)
class Step:
    """One size of one path: its name in the table, how much work it is, and the command."""

    name: str
    size: int
    command: Sequence[str]
    prepare: Callable[[], None] | None = None


def workbooks(folder: Path, times: Sequence[int]) -> list[Step]:
    steps = []
    for factor in times:
        path = folder / f"{factor}.xlsx"
        bench_workbook.generate_xlsx(path, CELLS * factor)
        command = measure.python(bench_workbook.__file__, "--read", "ours", str(path))
        steps.append(Step("reading a workbook, cells", CELLS * factor, command))
    return steps


def vintages(folder: Path, times: Sequence[int], release: Path) -> list[Step]:
    """Copies of the table in use under other place codes."""
    import duckdb

    document = json.loads((release / "release.json").read_text(encoding="utf-8"))
    path = release / document["tables"]["main.city_indicator_year"]["path"]
    steps = []
    for factor in times:
        target = folder / f"year_{factor}.parquet"
        with duckdb.connect() as connection:
            connection.execute(
                "copy (select years.* replace (place_code || '-' || copies.range as place_code) "
                f"from read_parquet('{path}') as years, range({factor}) as copies) to '{target}'"
            )
            count = f"select count(*) from read_parquet('{target}')"
            [rows] = connection.execute(count).fetchone() or (0,)
        out = folder / f"known_{factor}.parquet"
        command = measure.python(__file__, "--known", str(target), str(out), "0")
        steps.append(Step("vintages of every cell, rows", rows, command))
    return steps


def known(source: Path, out: Path, memory_mb: int) -> None:
    """Write the view of what was known when, sorted, as Parquet; print how much was spilled."""
    import duckdb

    from pipelines.release.database import KNOWN_VIEW

    spill = out.with_suffix(".spill")
    spill.mkdir(exist_ok=True)
    most, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            held = sum(path.stat().st_size for path in spill.glob("*") if path.exists())
            most[0] = max(most[0], held)

    with duckdb.connect(config={"temp_directory": str(spill), "threads": 2}) as connection:
        if memory_mb:
            connection.execute(f"set memory_limit = '{memory_mb}MB'")
        connection.execute(f"create view city_indicator_year as from read_parquet('{source}')")
        connection.execute(KNOWN_VIEW.format(catalog="memory"))
        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            connection.execute(
                "copy (select * from city_indicator_known order by place_code, indicator_id, year, "
                "scope, document, edition, locator) "
                f"to '{out}' (format parquet, compression zstd, row_group_size 100000)"
            )
        finally:
            done.set()
            watcher.join()
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    out.with_suffix(".json").write_text(json.dumps({"spilled": most[0], "sha256": digest}))


def rails(folder: Path, quick: bool) -> list[Step]:
    if not bench_rail.RAW.is_dir():
        return []
    script = folder / "rail.py"
    script.write_text(bench_rail.COMMON + bench_rail.OURS, encoding="utf-8")
    names = sorted(bench_rail.FILES, key=bench_rail.DAYS.__getitem__)
    return [
        Step(
            "direct trains of the nation, service days",
            sum(bench_rail.DAYS[name] for name in names[:count]),
            measure.python(script, str(folder), *names[:count]),
        )
        for count in (DAYS[:1] if quick else DAYS)
    ]


def airs(folder: Path, times: Sequence[int]) -> list[Step]:
    steps = []
    for factor in times:
        archive, warehouse = folder / f"air_{factor}", folder / f"air_{factor}_warehouse"
        archive.mkdir()
        scale = HOURS * factor
        cities, sites = round(bench_air.CITIES * scale), round(bench_air.SITES * scale)
        rows = bench_air.write_archive(archive, max(1, cities), max(2, sites))
        command = [sys.executable, "-c", bench_air.OURS, str(archive), str(warehouse)]

        def clear(warehouse: Path = warehouse) -> None:
            shutil.rmtree(warehouse, ignore_errors=True)

        steps.append(Step("station hours to annual indicators, hours", rows, command, clear))
    return steps


def grow(steps: Sequence[Step], rounds: int) -> list[str]:
    """Rows of the table: one a size, then the exponents."""
    contenders = [
        measure.Contender(f"{s.name} {s.size:,}", s.command, s.size, prepare=s.prepare)
        for s in steps
    ]
    results = measure.compare(contenders, rounds)
    busy = [statistics.median(result.processor) for result in results]
    lines = []
    for number, (step, result) in enumerate(zip(steps, results, strict=True)):
        found = ""
        if number == len(steps) - 1 and number:
            sizes = [s.size for s in steps]
            last = measure.exponent(sizes[-2:], busy[-2:])
            found = f"{measure.exponent(sizes, busy):.2f}, last step {last:.2f}"
        lines.append(
            f"| {step.name if not number else ''} | {step.size:,} | {result.median:.2f} "
            f"| {busy[number]:.2f} | {step.size / result.median:,.0f} | {result.peak_mb:,.0f} "
            f"| {found} |"
        )
    return lines


def out_of_core(largest: Step, folder: Path, rounds: int) -> list[str]:
    """The largest size again with a memory limit; RuntimeError if the file is another one."""
    source, out = Path(largest.command[-3]), Path(largest.command[-2])
    tight = folder / "tight.parquet"
    command = measure.python(__file__, "--known", str(source), str(tight), str(MEMORY_MB))
    [free] = measure.compare([measure.Contender("vintages", largest.command)], 1)
    [result] = measure.compare([measure.Contender("vintages, memory limit", command)], rounds)
    told = json.loads(tight.with_suffix(".json").read_text())
    if told["sha256"] != json.loads(out.with_suffix(".json").read_text())["sha256"]:
        raise RuntimeError("with little memory the vintages came out otherwise")
    return [
        f"Out of core: the {largest.size:,} rows with DuckDB's memory limited to {MEMORY_MB} MB "
        f"took {result.median / free.median:.1f} times as long, at most {result.peak_mb:,.0f} MB "
        f"of the process instead of {free.peak_mb:,.0f} MB, {told['spilled'] / 1e6:,.0f} MB "
        "spilled to disk, and wrote the same file, byte by byte."
    ]


def main() -> int:
    if sys.argv[1:2] == ["--known"]:
        known(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
        return 0
    options = measure.arguments(__doc__ or "").parse_args()
    rounds = options.rounds
    times = TIMES[:2] if options.quick else TIMES
    release = measure.release_in_use()
    if release is None:
        print("no release: run `metrocircle refresh` first")  # noqa: T201
        return 1
    lines = [
        f"| path, unit | size | seconds (median of {rounds}) | processor s | units/s | peak MB "
        "| exponent |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        known_steps = vintages(folder, times, release)
        for steps in (
            workbooks(folder, times), known_steps, rails(folder, options.quick),
            airs(folder, times[:2] if options.quick else times),
        ):  # fmt: skip
            if steps:
                lines += grow(steps, rounds)
        lines += ["", *out_of_core(known_steps[-1], folder, rounds)]
    if not bench_rail.RAW.is_dir():
        lines.append("The rail archive was not there: set METROCIRCLE_ORIGINALS.")
    text = "\n".join(lines)
    print(text)  # noqa: T201
    if options.write:
        measure.write("growth", text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""How things are timed here: whole commands, taking turns, medians, memory of the process tree.

Belongs here: running contenders against each other and writing the table. Not here: what they do
(one `bench_<what>.py` each).

A time on its own says little about another machine, so every table gives the ratio to the first
contender, measured in the same run. Contenders take turns, so that a slow minute of the machine
hits all of them; the median of the rounds counts. Memory is the largest sum of the resident sets of
a command and all its children, looked at fifty times a second: pages that two of them share count
twice.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
README = FOLDER / "README.md"
LOOK_EVERY_S = 0.02


@dataclass(frozen=True)
class Contender:
    """One way of doing the work, as a command of its own.

    rows: how many units of work the command does, for the rate. prepare: run before each round,
    not timed. expect: exit code that means that it did the work.
    """

    name: str
    command: Sequence[str]
    rows: int = 0
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] | None = None
    expect: int = 0


@dataclass
class Result:
    """Seconds and processor seconds of each round, and the peak memory in MB over all of them."""

    name: str
    rows: int
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    peak_mb: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def python(script: Path | str, *arguments: str) -> list[str]:
    """The command that runs a script with the interpreter of this run."""
    return [sys.executable, str(script), *arguments]


def compare(contenders: Sequence[Contender], rounds: int = 3) -> list[Result]:
    """Run the contenders in turns; RuntimeError with their last words when one fails."""
    results = {c.name: Result(c.name, c.rows) for c in contenders}
    for number in range(1, rounds + 1):
        for contender in contenders:
            if contender.prepare:
                contender.prepare()
            before = _processor()
            seconds, peak = _run(contender)
            result = results[contender.name]
            result.seconds.append(seconds)
            result.processor.append(_processor() - before)
            result.peak_mb = max(result.peak_mb, peak)
            print(  # noqa: T201
                f"  round {number}: {contender.name}: {seconds:.2f} s, {peak:.0f} MB", flush=True
            )
    return list(results.values())


def _processor() -> float:
    """Processor seconds of all commands so far, their children included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(contender: Contender) -> tuple[float, float]:
    start = time.perf_counter()
    process = subprocess.Popen(
        list(contender.command),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **contender.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peak = [0.0]
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, done))
    watcher.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    if process.returncode != contender.expect:
        raise RuntimeError(f"{contender.name}: exit {process.returncode}\n{output[-2000:]}")
    return seconds, peak[0]


def _watch(pid: int, peak: list[float], done: threading.Event) -> None:
    try:
        root = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return
    while not done.wait(LOOK_EVERY_S):
        total = 0
        try:
            for process in (root, *root.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
        except psutil.NoSuchProcess:
            return
        peak[0] = max(peak[0], total / 1e6)


def table(results: Sequence[Result], unit: str = "rows") -> str:
    """The results as Markdown; the ratio is to the first one: 3.0 takes three times as long."""
    base = results[0].median
    lines = [
        f"| | seconds (median of {len(results[0].seconds)}) | ratio | processor s | {unit}/s "
        "| peak MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for result in results:
        rate = f"{result.rows / result.median:,.0f}" if result.rows else ""
        lines.append(
            f"| {result.name} | {result.median:.2f} | {result.median / base:.2f} "
            f"| {statistics.median(result.processor):.2f} | {rate} | {result.peak_mb:,.0f} |"
        )
    return "\n".join(lines)


def machine() -> str:
    """The machine and the day, as a line under a table."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def write(name: str, text: str, readme: Path = README) -> None:
    """Put a benchmark's result between its two marks in the README; KeyError if they are missing.

    The marks are the comments `begin NAME` and `end NAME`.
    """
    document = readme.read_text(encoding="utf-8")
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(document):
        raise KeyError(f"{readme.name}: no marks for {name!r}")
    body = f"{begin}\n{text.strip()}\n\n{machine()}\n{end}"
    readme.write_text(pattern.sub(lambda _: body, document), encoding="utf-8")


def release_in_use() -> Path | None:
    """The folder of the release in use; None before the first refresh."""
    from pipelines import settings

    current = settings.load().current
    return current.resolve() if current.exists() else None


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The power of the size that the cost grows with: the slope of a line through the logarithms.

    1 doubles the cost with the size, 0 leaves it as it is. ValueError below two sizes.
    """
    points = [(math.log(size), math.log(cost)) for size, cost in zip(sizes, costs, strict=True)]
    x_mean = statistics.fmean(x for x, _ in points)
    y_mean = statistics.fmean(y for _, y in points)
    spread = sum((x - x_mean) ** 2 for x, _ in points)
    if not spread:
        raise ValueError("an exponent needs two sizes")
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / spread


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that every benchmark has: rounds, scale, and whether to write the README."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=3, help="turns each contender takes")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the work, 1 is the aim")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    parser.add_argument(
        "--quick", action=_Quick, nargs=0, default=False,
        help="does it work at all: one round of a twentieth of the work, nothing written",
    )  # fmt: skip
    return parser


class _Quick(argparse.Action):
    """`--quick` stands for options that every benchmark has, so none has to know of it."""

    def __call__(
        self, _parser: Any, namespace: argparse.Namespace, _values: Any, _option: str | None = None
    ) -> None:
        namespace.quick = True
        namespace.rounds, namespace.scale, namespace.write = 1, 0.05, False

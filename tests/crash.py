"""Kill -9, full disks and readers, hundreds of times over: `python -m tests.crash --kills 300`.

Victims are a publish, a prune and a whole refresh. The moments come from a seed: half of the kills
fall just before the n-th change of the disk (an audit event of the interpreter), half after a time,
which reaches the work inside DuckDB; those of a refresh fall into each of its phases in turn. After
each kill `current` must be a sound release, every visible release whole, every archived byte there;
after each series the next run heals by itself. Tests run a few of these
(`tests/integration/test_crash.py`); the counts of a long run are in tests/README.md.

Every victim is a fork: this process starts no threads of DuckDB or polars itself.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "fixtures"))

from make_tiny_build import TinyBuild, make_tiny_build, open_tiny_build  # noqa: E402

from pipelines.release import keep, publish  # noqa: E402
from pipelines.settings import Settings  # noqa: E402

SEED = 20221231
CHANGES = {
    "open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.symlink",
    "shutil.rmtree",
}  # fmt: skip


def in_child(work: Callable[[], object], after: float | None = None) -> int:
    """Run work in a fork, killed after so many seconds: its exit code, or minus the signal.

    A child that raised prints why and exits 3.
    """
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(3)
    if after is not None:
        time.sleep(after)
        os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def changes(event: str, arguments: tuple[object, ...]) -> bool:
    """Whether an audit event changes the disk; `open` does where it may write."""
    if event != "open":
        return event in CHANGES
    mode = arguments[1] if len(arguments) > 1 else "w"
    return isinstance(mode, str) and bool(set(mode) & set("wax+"))


def dying_at(number: int, work: Callable[[], object]) -> Callable[[], object]:
    """The work, ended by SIGKILL just before its n-th change of the disk."""

    def run() -> None:
        left = [number]

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            if changes(event, arguments):
                left[0] -= 1
                if left[0] <= 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        work()

    return run


def extent(work: Callable[[], object]) -> tuple[int, float]:
    """How many changes of the disk the work makes, and its seconds, measured in one whole run."""
    read, write = os.pipe()

    def counted() -> None:
        count = [0]

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            count[0] += changes(event, arguments)

        sys.addaudithook(hook)
        work()
        os.write(write, str(count[0]).encode())

    began = time.monotonic()
    assert in_child(counted) == 0
    seconds = time.monotonic() - began
    count = int(os.read(read, 32))
    os.close(read)
    os.close(write)
    return count, seconds


def require(condition: object, what: str) -> None:
    if not condition:
        raise AssertionError(what)


def settings_of(warehouse: Path) -> Settings:
    """As the tiny build has them, without polars: its threads would not survive a fork."""
    return Settings(warehouse=warehouse, sources=warehouse / "sources", threads=2)


def is_sound(settings: Settings, known: Collection[str] = ()) -> None:
    """`current` is a sound release, and so is every other release that can be seen.

    known: releases that were found sound before and are looked at again only when in use.
    """
    current = publish.current_release(settings)
    require(current is not None and not current.problem, f"current: {current}")
    assert current is not None
    for name in {current.release_id, *keep.releases(settings)} - (
        set(known) - {current.release_id}
    ):
        problems = publish.verify(settings.releases / name, 1)
        require(not problems, f"{name}: {problems[:3]}")


# ------------------------------------------------------------------------------------ publish


def publish_kills(folder: Path, kills: int, seed: int = SEED) -> Counter[str]:
    """Kill a publish at so many moments while readers query; counts of what happened."""
    dice = random.Random(seed)
    warehouse = folder / "warehouse"

    def build() -> TinyBuild:
        return open_tiny_build(warehouse, 2)

    def first() -> None:
        tiny = make_tiny_build(warehouse, few_tables=True)
        tiny.mark(0)
        tiny.publish()

    def work(number: int) -> Callable[[], object]:
        def run() -> None:
            build().publish()

        require(in_child(lambda: build().mark(number)) == 0, "the build could not be changed")
        return run

    require(in_child(first) == 0, "the first release could not be made")
    settings = settings_of(warehouse)
    events, seconds = extent(work(1))
    counts: Counter[str] = Counter()
    known: set[str] = set()
    with readers(warehouse, counts):
        for number in range(2, kills + 2):
            run = work(number)
            if number % 2:
                code = in_child(dying_at(dice.randint(1, events), run))
            else:
                code = in_child(run, after=dice.random() * seconds)
            counts["publish killed" if code == -signal.SIGKILL else "publish came through"] += 1
            require(code in (0, -signal.SIGKILL), f"publish {number} ended with {code}")
            require(
                in_child(lambda: is_sound(settings, known)) == 0, f"after kill {number} of publish"
            )
            known.update(keep.releases(settings))
    require(in_child(work(kills + 2)) == 0, "the next publish did not heal")
    require(in_child(lambda: is_sound(settings)) == 0, "the healed warehouse")
    require(not list(settings.releases.glob(".*")), "remains in releases")
    require(not list(settings.warehouse.glob(".current-*")), "remains beside current")
    return counts


# -------------------------------------------------------------------------------------- prune


def prune_kills(folder: Path, kills: int, seed: int = SEED) -> Counter[str]:
    """Kill a prune of four releases at so many moments, each on a fresh copy of a warehouse."""
    dice = random.Random(seed)
    template = folder / "template"

    def fill() -> None:
        tiny = make_tiny_build(template, few_tables=True)
        for number in range(6):
            tiny.mark(number)
            tiny.publish()

    require(in_child(fill) == 0, "the releases could not be made")
    counts: Counter[str] = Counter()
    trial = folder / "trial"

    def fresh() -> Settings:
        shutil.rmtree(trial, ignore_errors=True)
        # Files of a release are never changed in place, so links are copies enough.
        shutil.copytree(template, trial, symlinks=True, copy_function=os.link)
        return settings_of(trial)

    settings = fresh()
    spared = keep.releases(settings)[-1]
    pin = json.dumps({spared: {"reason": "test", "time": ""}})
    (template / keep.PINS).write_text(pin)
    settings = fresh()
    events, _ = extent(lambda: keep.prune(settings, 1))
    for number in range(kills):
        settings = fresh()
        current = settings.current.readlink().name
        code = in_child(dying_at(dice.randint(1, events), lambda: keep.prune(settings, 1)))  # noqa: B023
        counts["prune killed" if code == -signal.SIGKILL else "prune came through"] += 1
        # What is left has the files that it had: a prune removes, and changes none.
        for name in keep.releases(settings):
            require(
                listed(trial / "releases" / name) == listed(template / "releases" / name),
                f"after kill {number} of prune: {name} is not whole",
            )
        require({current, spared} <= set(keep.releases(settings)), "a spared release is gone")
        require(in_child(lambda: keep.prune(settings, 1)) == 0, "the next prune did not heal")  # noqa: B023
        require(set(keep.releases(settings)) == {current, spared}, "the next prune is not whole")
        require(not list(settings.releases.glob(".*")), "remains in releases")
    require(in_child(lambda: is_sound(settings)) == 0, "what is left after all prunes")
    return counts


def listed(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


# ------------------------------------------------------------------------------------ full disk


def full_disks(folder: Path, times: int, seed: int = SEED) -> Counter[str]:
    """Publish where no file can grow beyond a limit: what a full disk does, without needing one."""
    dice = random.Random(seed)
    warehouse = folder / "full"

    def first() -> None:
        tiny = make_tiny_build(warehouse, few_tables=True)
        tiny.mark(0)
        tiny.publish()
        tiny.mark(1)

    require(in_child(first) == 0, "the first release could not be made")
    settings = settings_of(warehouse)
    before = settings.current.readlink()
    largest = max(p.stat().st_size for p in settings.current.resolve().rglob("*") if p.is_file())
    counts: Counter[str] = Counter()
    devnull = os.open(os.devnull, os.O_WRONLY)
    for number in range(times):
        limit = dice.randint(1, largest - 1)

        def publish_in_little_room(limit: int = limit) -> None:
            tiny = open_tiny_build(warehouse, 2)
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            os.dup2(devnull, 2)
            tiny.publish()

        code = in_child(publish_in_little_room)
        require(code == 3, f"limit {limit}: ended with {code}")
        counts["full disk refused"] += 1
        require(settings.current.readlink() == before, f"limit {limit}: current moved")
        require(in_child(lambda: is_sound(settings)) == 0, f"after full disk {number}")
    os.close(devnull)
    require(in_child(lambda: open_tiny_build(warehouse, 2).publish()) == 0, "did not heal")
    require(settings.current.readlink() != before, "the healed publish published nothing")
    return counts


# -------------------------------------------------------------------------------------- readers

READER = """
import json, os, sys, time
from pathlib import Path
import duckdb, polars as pl

warehouse, stop = Path(sys.argv[1]), Path(sys.argv[2])
reads, seen, errors = 0, set(), []
print("ready", flush=True)
while not stop.exists():
    try:
        folder = (warehouse / os.readlink(warehouse / "current")).resolve()
        document = json.loads((folder / "release.json").read_text(encoding="utf-8"))
        assert document["release_id"] == folder.name
        path = document["tables"]["main.city_indicator_year"]["path"]
        one = set(pl.read_parquet(folder / path)["value"])
        two = set(pl.read_parquet(folder / "parquet" / "city_indicator_best.parquet")["value"])
        with duckdb.connect(str(folder / "metrocircle.duckdb"), read_only=True) as connection:
            rows = connection.execute("SELECT DISTINCT value FROM city_indicator_year").fetchall()
        assert one == two == {row[0] for row in rows}, (one, two, rows)
        seen.add(document["release_id"])
        reads += 1
        time.sleep(0.1)
    except Exception as error:
        errors.append(repr(error))
print(json.dumps({"reads": reads, "releases": len(seen), "errors": errors[:3]}))
"""


@contextmanager
def readers(warehouse: Path, counts: Counter[str]) -> Iterator[None]:
    """A reader that queries Parquet and DuckDB throughout; any error or mixture is a failure."""
    stop = warehouse.parent / "stop"
    process = subprocess.Popen(
        [sys.executable, "-c", READER, str(warehouse), str(stop)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield
    finally:
        stop.touch()
        found = json.loads(process.communicate(timeout=120)[0].splitlines()[-1])
        counts["reader queries"] += found["reads"]
        counts["releases seen by readers"] += found["releases"]
    require(not found["errors"], f"readers: {found['errors']}")


# -------------------------------------------------------------------------------------- refresh


def slim_sources(target: Path) -> Path:
    """The sources with two small editions only: a refresh that can be repeated."""
    shutil.copytree(ROOT / "sources", target)
    folder = target / "yearbook" / "transcriptions"
    kept = {"guangdong_yearbook/2023.csv", "gd_preliminary_gdp/2026.csv"}
    for path in folder.glob("*/*.csv"):
        if path.relative_to(folder).as_posix() not in kept:
            path.unlink()
    return target


def archived(warehouse: Path) -> set[str]:
    """Names of the archived files, each of which must hold the bytes that its name promises."""
    found = set()
    for path in (warehouse / "archive").glob("*"):
        if len(path.name) == 64:
            require(
                hashlib.sha256(path.read_bytes()).hexdigest() == path.name, f"archive {path.name}"
            )
            found.add(path.name)
    return found


# Where a refresh can die, in its order; `start` holds the plan and the lock, `end` what follows.
PHASES = (
    "start", "imports", "definitions", "extract", "checks", "dbt", "column_lineage", "release",
    "build_release", "end",
)  # fmt: skip
# What takes seconds to import and starts no thread of its own that works.
HEAVY = ("dagster", "dagster_dbt", "dbt.cli.main", "great_expectations")
# Threads that libraries start when they are imported and that a fork does without: those of the
# allocators, of what polars spills, of DuckDB before its first query.
IDLE = {"jemalloc_bg_thd", "polars-ooc-clea", "python"}


@dataclass(frozen=True)
class Moment:
    """When to die in a phase: before its n-th change of the disk, or so many seconds after it
    began. A phase that is entered again goes on counting."""

    phase: str
    change: int = 0
    after: float = 0.0


class Victim:
    """A refresh in a fork of this process, which has imported what is heavy: a quarter cheaper than
    one of its own, and the same from its first line of ours on."""

    def __init__(self, environment: dict[str, str], moment: Moment | None = None) -> None:
        self.entered: list[tuple[float, str]] = []
        self.changes: Counter[str] = Counter()
        read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(read)
            _be_refreshed(environment, moment, write)
        os.close(write)
        with os.fdopen(read) as told:
            self._follow(told, moment)
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _follow(self, told: IO[str], moment: Moment | None) -> None:
        """Read what the victim tells, and kill it when its time has come."""
        due = None
        while True:
            left = None if due is None else max(0.0, due - time.monotonic())
            if not select.select([told.fileno()], [], [], left)[0]:
                os.kill(self.pid, signal.SIGKILL)
                due = None
                continue
            line = os.read(told.fileno(), 1 << 16).decode()
            if not line:
                return
            for phase in line.split():
                if ":" in phase:
                    name, _, count = phase.partition(":")
                    self.changes[name] = int(count)
                    continue
                now = time.monotonic()
                self.entered.append((now, phase))
                if moment and not moment.change and moment.phase == phase and due is None:
                    due = now + moment.after

    @property
    def died_in(self) -> str:
        return self.entered[-1][1]

    def spans(self) -> dict[str, float]:
        """Seconds by phase of a whole run, from where it was first entered on."""
        ends = [at for at, _ in self.entered[1:]] + [time.monotonic()]
        found: dict[str, float] = {}
        for (at, phase), end in zip(self.entered, ends, strict=True):
            found[phase] = found.get(phase, 0.0) + end - at
        return found


def _be_refreshed(environment: dict[str, str], moment: Moment | None, told: int) -> NoReturn:
    """The child: a refresh that tells the phases it enters and, whole, its changes in each."""
    code = 3
    try:
        os.environ.clear()
        os.environ.update(environment)
        sink = os.open(environment["METROCIRCLE_TEST_SAID"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        from pipelines import cli
        from pipelines.orchestration import profile

        changed: Counter[str] = Counter()
        stack = ["start"]

        def tell(phase: str) -> None:
            os.write(told, f"{phase}\n".encode())

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            if changes(event, arguments):
                changed[stack[-1]] += 1
                if moment and (stack[-1], changed[stack[-1]]) == (moment.phase, moment.change):
                    os.kill(os.getpid(), signal.SIGKILL)

        phase_of = profile.phase

        @contextmanager
        def phase(name: str) -> Iterator[None]:
            stack.append(name)
            tell(name)
            with phase_of(name):
                yield
            stack.pop()
            if stack[-1] == "start" and name == "build_release":
                stack[-1] = "end"
            tell(stack[-1])

        profile.phase = phase
        sys.addaudithook(hook)
        tell("start")
        code = cli.main(["refresh", "--json"])
        for name, count in changed.items():
            tell(f"{name}:{count}")
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def refresh_kills(
    folder: Path, kills: int, seed: int = SEED, until: float = float("inf")
) -> Counter[str]:
    """Kill whole refreshes, in each of their phases in turn; the inputs change before each, so that
    each has something of its own to publish.

    until: a moment of the monotonic clock after which no further one is started.
    """
    dice = random.Random(seed)
    warehouse, sources = folder / "refreshed", slim_sources(folder / "sources")
    said = folder / "said"
    environment = {k: v for k, v in os.environ.items() if "METROCIRCLE" not in k} | {
        "METROCIRCLE_WAREHOUSE": str(warehouse), "METROCIRCLE_SOURCES": str(sources),
        "METROCIRCLE_ACCEPT": "on",  # the gate is not what is tested here
        "DAGSTER_HOME": str(ROOT), "METROCIRCLE_DAGSTER_STORAGE": str(warehouse / "dagster"),
        "METROCIRCLE_TEST_SAID": str(said),
    }  # fmt: skip
    for name in HEAVY:
        importlib.import_module(name)
    tasks = Path("/proc/self/task").iterdir()
    threads = {(t / "comm").read_text().strip() for t in tasks if int(t.name) != os.getpid()}
    require(threads <= IDLE, f"a fork would lose threads at work: {threads - IDLE}")
    settings = Settings(warehouse=warehouse, sources=sources)

    def whole() -> Victim:
        victim = Victim(environment)
        require(victim.code == 0, f"a refresh ended with {victim.code}:\n{said.read_text()}")
        return victim

    edition = sources / "yearbook" / "transcriptions" / "guangdong_yearbook" / "2023.csv"
    original = edition.read_text(encoding="utf-8")
    header, *rows = original.splitlines(keepends=True)
    # Two rows at a time: of single ones there are only a hundred.
    lost = dice.sample(list(combinations(range(len(rows)), 2)), kills + 1)

    def change(number: int) -> str:
        """The edition without two of its rows, others each time; its hash."""
        left = [row for at, row in enumerate(rows) if at not in lost[number]]
        edition.write_text("".join([header, *left]), encoding="utf-8")
        return hashlib.sha256(edition.read_bytes()).hexdigest()

    whole()
    first = settings.current.readlink().name
    made_of = {first: hashlib.sha256(original.encode()).hexdigest()}
    made_of_now = change(kills)
    measured = whole()
    made_of[settings.current.readlink().name] = made_of_now
    require(len(made_of) == 2, "the change changed nothing")
    spans = measured.spans()
    counts: Counter[str] = Counter()
    bytes_held = archived(warehouse)
    before = processor_seconds()
    for number in range(kills):
        if time.monotonic() > until:
            break
        made_of_now = change(number)
        phase, by_change = PHASES[number // 2 % len(PHASES)], number % 2 == 0
        if by_change and measured.changes[phase]:
            moment = Moment(phase, change=dice.randint(1, measured.changes[phase]))
        else:
            moment = Moment(phase, after=dice.random() * spans.get(phase, 0.1))
        victim = Victim(environment, moment)
        if victim.code == -signal.SIGKILL:
            counts["refresh killed"] += 1
            counts[f"  killed in {victim.died_in}"] += 1
        else:
            why = f"refresh {number}: {victim.code}\n{said.read_text()}"
            require(victim.code == 0, why)
            counts["refresh came through"] += 1
        now = settings.current.readlink().name
        # The one before, or this one whole: never of an input between.
        wanted = made_of.setdefault(now, made_of_now)
        check = f"after kill {number} of refresh, in {victim.died_in}"
        require(in_child(lambda: is_sound(settings, made_of)) == 0, check)
        require(in_child(lambda: is_made_of(settings, wanted)) == 0, check)  # noqa: B023
        require(bytes_held <= archived(warehouse), f"raw bytes were lost {check}")
        print(f"{number + 1} of {kills}: {counts['refresh killed']} killed", file=sys.stderr)
        if number % 10 == 9:
            require(in_child(lambda: is_sound(settings)) == 0, f"all releases, {check}")
            require(in_child(lambda: keep.prune(settings, 3)) == 0, "the prune")
    counts["processor seconds, checks included"] = round(processor_seconds() - before)
    edition.write_text(original, encoding="utf-8")
    whole()
    require(settings.current.readlink().name == first, "healed to another release than the first")
    require(in_child(lambda: is_sound(settings)) == 0, "a release that is left")
    require(not list(settings.releases.glob(".*")), "remains in releases")
    return counts


def processor_seconds() -> float:
    """Of this process and of its children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def is_made_of(settings: Settings, sha256: str) -> None:
    """`current` names these bytes as the ones that its edition was made of."""
    from pipelines.release.query import query

    sql = "select sha256 from meta.snapshot where file like '%/guangdong_yearbook/2023.csv'"
    found = query(settings.current.resolve(), sql)["sha256"].to_list()
    require(found == [sha256], f"made of {found}, expected {sha256}")


SERIES = {
    "publish": publish_kills,
    "prune": prune_kills,
    "disk": full_disks,
    "refresh": refresh_kills,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300, help="of publish and of prune")
    parser.add_argument("--refresh-kills", type=int, default=40)
    parser.add_argument("--minutes", type=float, help="end the kills of refreshes after so many")
    parser.add_argument("--disks", type=int, default=60, help="full disks")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", choices=SERIES, action="append")
    options = parser.parse_args()
    total: Counter[str] = Counter()
    for name in options.only or SERIES:
        times = {"refresh": options.refresh_kills, "disk": options.disks}.get(name, options.kills)
        with tempfile.TemporaryDirectory(prefix="metrocircle-crash-") as folder:
            more = {}
            if name == "refresh" and options.minutes:
                more["until"] = time.monotonic() + 60 * options.minutes
            total += SERIES[name](Path(folder), times, options.seed, **more)
        for what, count in total.items():
            print(f"{what:<28}{count:>8,}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

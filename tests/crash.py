"""Kill -9, full disks and readers, hundreds of times over: `python -m tests.crash --kills 300`.

Victims are a publish, a prune and a whole refresh. The moments come from a seed: half of the kills
fall just before the n-th change of the disk (an audit event of the interpreter), half after a time,
which reaches the work inside DuckDB. After each kill `current` must be a sound release, every
visible release whole, every archived byte there; after each series the next run heals by itself.
Tests run a few of these (`tests/integration/test_crash.py`); the counts of a long run are in
tests/README.md.

Every victim is a fork: this process starts no threads of DuckDB or polars itself.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
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
from pathlib import Path

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


def refresh_kills(
    folder: Path, kills: int, seed: int = SEED, until: float = float("inf")
) -> Counter[str]:
    """Kill whole refreshes at so many moments; the inputs change before each, and back.

    until: a moment of the monotonic clock after which no further one is started.
    """
    dice = random.Random(seed)
    warehouse, sources = folder / "refreshed", slim_sources(folder / "sources")
    environment = {k: v for k, v in os.environ.items() if "METROCIRCLE" not in k}
    environment |= {
        "METROCIRCLE_WAREHOUSE": str(warehouse), "METROCIRCLE_SOURCES": str(sources),
        "METROCIRCLE_ACCEPT": "on",  # the gate is not what is tested here
        "DAGSTER_HOME": str(ROOT), "METROCIRCLE_DAGSTER_STORAGE": str(warehouse / "dagster"),
    }  # fmt: skip

    def start(victim: int = 0) -> subprocess.Popen[str]:
        """A refresh, to end just before its n-th change of the disk; 0: never, and it counts."""
        return subprocess.Popen(
            [sys.executable, "-m", "tests.crash", "--victim", str(victim)],
            cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def whole() -> tuple[str, float, int]:
        began = time.monotonic()
        process = start()
        said, why = process.communicate()
        require(process.returncode == 0, f"a refresh ended with {process.returncode}:\n{why}")
        document, _, changes = said.rpartition(CHANGES_MADE)
        return str(json.loads(document)["release_id"]), time.monotonic() - began, int(changes)

    edition = sources / "yearbook" / "transcriptions" / "guangdong_yearbook" / "2023.csv"
    texts = [edition.read_text(encoding="utf-8")]
    row = next(line for line in texts[0].splitlines() if ",广州市," in line)
    texts.append(texts[0].replace(row + "\n", "", 1))
    ids = [whole()[0]]
    edition.write_text(texts[1], encoding="utf-8")
    changed, span, events = whole()
    ids.append(changed)
    require(ids[0] != ids[1], "the change changed nothing")
    settings = Settings(warehouse=warehouse, sources=sources)
    counts: Counter[str] = Counter()
    bytes_held = archived(warehouse)
    for number in range(kills):
        if time.monotonic() > until:
            break
        edition.write_text(texts[number % 2], encoding="utf-8")
        process = start(dice.randint(1, events) if number // 2 % 2 else 0)
        try:
            process.communicate(timeout=None if number // 2 % 2 else span * dice.random())
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        was_killed = process.returncode == -signal.SIGKILL
        counts["refresh killed" if was_killed else "refresh came through"] += 1
        require(was_killed or process.returncode == 0, f"refresh {number}: {process.returncode}")
        require(settings.current.readlink().name in ids, "current names another release")
        require(in_child(lambda: is_sound(settings)) == 0, f"after kill {number} of refresh")
        require(bytes_held <= archived(warehouse), "raw bytes were lost")
        print(f"{number + 1} of {kills}: {counts['refresh killed']} killed", file=sys.stderr)
    for text, wanted in zip(texts, ids, strict=True):
        edition.write_text(text, encoding="utf-8")
        healed, *_ = whole()
        require(healed == wanted, f"healed to {healed}, expected {wanted}")
    require(set(keep.releases(settings)) == set(ids), "releases that nobody made")
    require(not list(settings.releases.glob(".*")), "remains in releases")
    return counts


CHANGES_MADE = "\nchanges of the disk: "


def refresh_victim(number: int) -> int:
    """A refresh in this process, ended by SIGKILL just before its n-th change; 0 counts them."""
    from pipelines import cli

    made = [0]

    def refresh() -> int:
        return cli.main(["refresh", "--json"])

    if number:
        dying_at(number, refresh)()
        return 0
    sys.addaudithook(
        lambda event, arguments: made.__setitem__(0, made[0] + changes(event, arguments))
    )
    code = refresh()
    print(f"{CHANGES_MADE}{made[0]}")
    return code


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
    parser.add_argument("--victim", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.victim is not None:
        return refresh_victim(options.victim)
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

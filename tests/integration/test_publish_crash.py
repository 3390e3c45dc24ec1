"""A publish killed at any moment, and readers while releases are replaced under them.

Every kill is a real SIGKILL of a real process. Some hit a named step (an audit event of the
interpreter: the rename of the folder, the new link, the rename over `current`), some a moment
spread over the whole publish with a fixed seed, to reach the work inside DuckDB as well.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from pipelines.release.publish import current_release, last_published, verify

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "fixtures" / "make_tiny_build.py"
sys.path.insert(0, str(SCRIPT.parent))

from make_tiny_build import TinyBuild, make_tiny_build  # noqa: E402

pytestmark = pytest.mark.slow

# Just before which event the process dies, and whether `current` has moved by then.
KILLS_BY_STEP = {
    "identical Parquet is shared": ("os.link:gap.parquet", False),
    "quality page": ("os.mkdir:/quality", False),
    "files made read-only": ("os.chmod:MANIFEST", False),
    "folder renamed": ("os.rename:/release', '", False),
    "staging removed": ("shutil.rmtree:.staging-", False),
    "new link": ("os.symlink:.current-", False),
    "pointer replaced": ("os.rename:/current'", False),
    "history written": ("open:history.jsonl', 'a'", True),
}
TIMED_KILLS = 8


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> TinyBuild:
    """A build in a warehouse that holds one release already."""
    tiny = make_tiny_build(tmp_path_factory.mktemp("crash") / "warehouse", few_tables=True)
    tiny.publish()
    return tiny


def start(build: TinyBuild, *options: str) -> subprocess.Popen[str]:
    """A process that publishes the build; returns when the publish begins."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(build.settings.warehouse), *options],
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def pointed(build: TinyBuild) -> str:
    """The current release id; fails if `current` is not a sound, verified release."""
    release = current_release(build.settings)
    assert release is not None and not release.problem
    assert verify(release.path) == []
    return release.release_id


def marker(build: TinyBuild) -> float:
    """The value written by TinyBuild.mark into the build that `current` was made from."""
    path = build.settings.current / "parquet" / "city_indicator_year.parquet"
    (value,) = set(pl.read_parquet(path)["value"])
    return value


def recovers(build: TinyBuild) -> None:
    """The next publish succeeds by itself and leaves nothing behind."""
    release = build.publish()
    assert pointed(build) == release.release_id == last_published(build.settings)
    assert not list(build.settings.releases.glob(".*"))
    assert not list(build.settings.warehouse.glob(".current-*"))


@pytest.mark.parametrize("step", KILLS_BY_STEP)
def test_killed_just_before_a_step(build: TinyBuild, step: str) -> None:
    event, has_moved = KILLS_BY_STEP[step]
    before = pointed(build)
    build.mark(100 + list(KILLS_BY_STEP).index(step))
    process = start(build, "--kill-at", event)
    assert process.wait(timeout=60) == -signal.SIGKILL, f"{event} never came"
    assert (pointed(build) != before) == has_moved
    recovers(build)
    assert pointed(build) != before


def test_killed_at_moments_spread_over_the_publish(build: TinyBuild) -> None:
    chance = random.Random(20221231)
    build.mark(200)
    process = start(build)
    began = time.monotonic()
    assert process.wait(timeout=60) == 0
    whole = time.monotonic() - began
    killed = 0
    for number in range(TIMED_KILLS):
        before = pointed(build)
        build.mark(201 + number)
        process = start(build)
        time.sleep(whole * (number + chance.random()) / TIMED_KILLS)
        process.kill()
        killed += process.wait(timeout=60) == -signal.SIGKILL
        # Near its end a publish may have moved the pointer: then to the whole new release.
        if pointed(build) != before:
            assert marker(build) == 201 + number
    assert killed >= TIMED_KILLS // 2
    recovers(build)
    assert marker(build) == 200 + TIMED_KILLS


READER = """
import json, os, sys
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
    except Exception as error:
        errors.append(repr(error))
print(json.dumps({"reads": reads, "releases": len(seen), "errors": errors[:3]}))
"""


def test_a_reader_never_sees_an_error_or_a_mixed_release(tmp_path: Path) -> None:
    build = make_tiny_build(tmp_path / "warehouse", few_tables=True)
    build.mark(0)
    build.publish()
    stop = tmp_path / "stop"
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(build.settings.warehouse), str(stop)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None and reader.stdout.readline() == "ready\n"
    try:
        for number in range(1, 21):
            build.mark(number)
            assert build.publish().is_new
    finally:
        stop.touch()
    report = json.loads(reader.communicate(timeout=60)[0])
    assert report["errors"] == []
    assert report["reads"] >= 20
    assert report["releases"] >= 5

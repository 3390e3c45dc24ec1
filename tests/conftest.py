"""Fixtures that more than one room's tests share: a real refresh, made once per test session."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).resolve().parent.parent
ORIGINALS = Path(os.environ.get("METROCIRCLE_ORIGINALS") or ROOT.parent / "shared")
CHROMIUM = os.environ.get("METROCIRCLE_CHROMIUM") or shutil.which("chromium")
# Without these, Chromium asks for its maker's hosts at every start.
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


def run_cli(
    *arguments: str, warehouse: Path, timeout: float = 600, **environment: str
) -> subprocess.CompletedProcess[str]:
    """`metrocircle …` in a process of its own, on a warehouse of its own."""
    settings = {name: value for name, value in os.environ.items() if "METROCIRCLE" not in name}
    settings |= {"METROCIRCLE_WAREHOUSE": str(warehouse), "DAGSTER_HOME": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments],
        cwd=ROOT,
        env=settings,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of slow tests first, then what waits for the shared release, then the quick ones.

    The files are shared out in this order: a long one at the end would leave the other processes
    idle.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    waiting = {item.path for item in items if "refreshed" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: (item.path not in slow | waiting, item.path in waiting))


@dataclass(frozen=True)
class Refreshed:
    """A warehouse that was refreshed from scratch, and what the command said."""

    warehouse: Path
    facts: dict[str, object]

    @property
    def release(self) -> Path:
        return (self.warehouse / "current").resolve()


@pytest.fixture(scope="session")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Refreshed:
    """One refresh from scratch on the embedded facts; tests only read it.

    Tests that run in several processes share it: the first one makes it, the others wait.
    """
    own = tmp_path_factory.getbasetemp()
    # pytest-xdist gives each process a folder of its own below the one of the run.
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "refreshed"
    shared.mkdir(exist_ok=True)
    warehouse, answer = shared / "warehouse", shared / "answer.json"
    with (shared / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists():
            result = run_cli("refresh", "--json", warehouse=warehouse)
            facts = {"returncode": result.returncode, "stdout": result.stdout}
            answer.write_text(json.dumps(facts | {"stderr": result.stderr}), encoding="utf-8")
        made = json.loads(answer.read_text(encoding="utf-8"))
    assert made["returncode"] == 0, made["stdout"] + made["stderr"]
    return Refreshed(warehouse, json.loads(made["stdout"]))


@pytest.fixture
def sql(refreshed: Refreshed) -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """Rows of a SELECT on the released DuckDB, opened as an analyst would."""
    database = str(refreshed.release / "metrocircle.duckdb")
    with duckdb.connect(database, read_only=True) as connection:
        yield lambda query: connection.execute(query).fetchall()


@pytest.fixture(scope="session")
def originals() -> Path:
    """The folder of originals, which may not be passed on; tests that need it skip without it."""
    if not (ORIGINALS / "data").is_dir():
        pytest.skip("no originals: set METROCIRCLE_ORIGINALS to the folder that holds their `data`")
    return ORIGINALS


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A real headless Chromium, for the tests of one file.

    Playwright's event loop runs as long as it does and admits no second in the process: Dagster,
    in the tests of a later file, could not end its own.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium, or set METROCIRCLE_CHROMIUM")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield launched
        launched.close()

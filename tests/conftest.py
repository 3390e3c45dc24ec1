"""Fixtures that more than one room's tests share: a real refresh, made once per test session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).resolve().parent.parent
ORIGINALS = Path(os.environ.get("METROCIRCLE_ORIGINALS") or ROOT.parent / "shared")


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
    """One refresh from scratch on the embedded facts; tests only read it."""
    warehouse = tmp_path_factory.mktemp("refreshed") / "warehouse"
    result = run_cli("refresh", "--json", warehouse=warehouse)
    assert result.returncode == 0, result.stdout + result.stderr
    return Refreshed(warehouse, json.loads(result.stdout))


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

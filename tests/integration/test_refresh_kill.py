"""A refresh killed with -9 at moments spread over the whole of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, run_cli

pytestmark = pytest.mark.slow
KILLS = 6


def slim_sources(target: Path) -> Path:
    """The sources with three small editions only: a refresh that tests can afford to repeat."""
    shutil.copytree(ROOT / "sources", target)
    folder = target / "yearbook" / "transcriptions"
    keep = {"guangdong_yearbook/2023.csv", "gd_preliminary_gdp/2026.csv"}
    for path in folder.glob("*/*.csv"):
        if path.relative_to(folder).as_posix() not in keep:
            path.unlink()
    # Corrections of editions that are not here would match nothing; they are looked up by slice.
    return target


def test_kill_9_at_any_moment_leaves_the_old_release_and_heals(tmp_path: Path) -> None:
    """Moments spread over a whole refresh; each next refresh goes on with no manual step."""
    warehouse, sources = tmp_path / "warehouse", slim_sources(tmp_path / "sources")
    # The gate is not what is tested here.
    environment = {"METROCIRCLE_SOURCES": str(sources), "METROCIRCLE_ACCEPT": "on"}
    first = run_cli("refresh", "--json", warehouse=warehouse, **environment)
    assert first.returncode == 0, first.stderr
    old = json.loads(first.stdout)["release_id"]
    changed = sources / "yearbook" / "transcriptions" / "guangdong_yearbook" / "2023.csv"
    text = changed.read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if ",广州市," in line)
    started = time.monotonic()
    changed.write_text(text.replace(row + "\n", "", 1), encoding="utf-8")
    whole = run_cli("refresh", "--json", warehouse=tmp_path / "measure", **environment)
    assert whole.returncode == 0, whole.stderr
    span = time.monotonic() - started
    new = json.loads(whole.stdout)["release_id"]
    assert new != old
    settings = {name: value for name, value in os.environ.items() if "METROCIRCLE" not in name}
    settings |= {
        "METROCIRCLE_WAREHOUSE": str(warehouse),
        "DAGSTER_HOME": str(ROOT),
        **environment,
    }
    for kill in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "refresh"],
            cwd=ROOT,
            env=settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(span * (kill + 0.5) / KILLS)
        process.send_signal(signal.SIGKILL)
        process.wait()
        current = (warehouse / "current").resolve().name
        # Late kills may fall after the pointer moved: then the new release is whole.
        assert current in {old, new}
        assert run_cli("verify", warehouse=warehouse).returncode == 0
    last = run_cli("refresh", "--json", warehouse=warehouse, **environment)
    assert last.returncode == 0, last.stderr
    assert json.loads(last.stdout)["release_id"] == new
    assert (warehouse / "current").resolve().name == new
    leftovers = [p.name for p in (warehouse / "releases").iterdir() if p.name not in {old, new}]
    assert leftovers == []

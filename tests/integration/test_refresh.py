"""A refresh as its user meets it: from scratch, unchanged, twice alike, refused, killed."""

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

from tests.conftest import ROOT, Refreshed, run_cli

pytestmark = pytest.mark.slow


def copy_of(refreshed: Refreshed, target: Path) -> Path:
    """A warehouse of one's own, as the refresh left it; links stay links."""
    shutil.copytree(refreshed.warehouse, target, symlinks=True)
    return target


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


def test_a_release_is_published_and_sound(refreshed: Refreshed) -> None:
    assert refreshed.facts["checks"].get("fail", 0) == 0
    result = run_cli("verify", "--json", warehouse=refreshed.warehouse)
    assert result.returncode == 0, result.stdout
    assert json.loads(result.stdout)["problems"] == []


def test_unchanged_inputs_do_no_work(refreshed: Refreshed) -> None:
    before = {p: p.stat().st_mtime_ns for p in refreshed.warehouse.rglob("*") if p.is_file()}
    result = run_cli("refresh", "--json", warehouse=refreshed.warehouse)
    facts = json.loads(result.stdout)
    assert (result.returncode, facts["did_work"]) == (0, False)
    assert facts["release_id"] == refreshed.facts["release_id"]
    after = {p: p.stat().st_mtime_ns for p in refreshed.warehouse.rglob("*") if p.is_file()}
    assert after == before


def test_built_again_under_other_circumstances_it_is_the_same(refreshed: Refreshed) -> None:
    """Threads, time zone, locale, hash seed and the order of files in folders all differ."""
    result = run_cli("rebuild-check", "--once", "--json", warehouse=refreshed.warehouse)
    assert result.returncode == 0, result.stdout + result.stderr
    found = json.loads(result.stdout)
    assert found["second"] == refreshed.facts["release_id"]
    assert (found["differing"], found["is_same"]) == ([], True)
    assert found["files"] > 40


def test_an_unknown_city_stops_the_release_and_names_the_cell(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    warehouse = copy_of(refreshed, tmp_path / "warehouse")
    sources = tmp_path / "sources"
    shutil.copytree(ROOT / "sources", sources)
    path = sources / "yearbook" / "transcriptions" / "gd_preliminary_gdp" / "2026.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("广州市", "广洲市"), encoding="utf-8")
    result = run_cli("refresh", warehouse=warehouse, METROCIRCLE_SOURCES=str(sources))
    assert result.returncode == 1
    said = result.stdout + result.stderr
    for part in ("gd_preliminary_gdp/2026.csv", ":place", "广洲市", "nearest: 广州市"):
        assert part in said
    assert "Traceback" not in said
    assert (warehouse / "current").resolve().name == refreshed.facts["release_id"]
    # With the name put right, the next refresh needs no manual step and makes the same release.
    again = run_cli("refresh", "--json", warehouse=warehouse)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["release_id"] == refreshed.facts["release_id"]


def test_one_changed_edition_is_the_only_one_extracted(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    warehouse = copy_of(refreshed, tmp_path / "warehouse")
    drop = tmp_path / "drop"
    drop.mkdir()
    source = ROOT / "sources/yearbook/transcriptions/gd_preliminary_gdp/2026.csv"
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    # The same two printed cells, offered once more by a user: no new fact, one stale slice.
    (drop / "copied.csv").write_text("".join(lines[:3]).replace(",transcription,", ",original,"))
    plan = json.loads(
        run_cli("refresh", "--dry-run", "--json", "--drop", str(drop), warehouse=warehouse).stdout
    )
    assert plan["stale"] == ["yearbook/gd_preliminary_gdp--2026"]


KILLS = 6


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

"""A refresh as its user meets it: from scratch, unchanged, twice alike, refused."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import ReleaseRefused
from pipelines.release.assets import make
from pipelines.release.rebuild import compare
from pipelines.settings import Settings
from tests.conftest import ROOT, Refreshed, run_cli

pytestmark = pytest.mark.slow


def copy_of(refreshed: Refreshed, target: Path) -> Path:
    """A warehouse of one's own, as the refresh left it; links stay links."""
    shutil.copytree(refreshed.warehouse, target, symlinks=True)
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


def done_again(result: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """How much of each kind of work the refresh did anew."""
    assert result.returncode == 0, result.stdout + result.stderr
    return {what: anew for what, (anew, _) in json.loads(result.stdout)["done"].items()}


def test_a_new_month_and_a_new_timetable_touch_only_what_depends_on_them(
    refreshed: Refreshed, tmp_path: Path
) -> None:
    """Taken away and given back one by one, they end in the release made from scratch, byte by
    byte; in a warehouse that was moved, so views look elsewhere."""
    warehouse = copy_of(refreshed, tmp_path / "warehouse")
    sources, every = tmp_path / "sources", ROOT / "sources"
    shutil.copytree(every, sources)
    month = "environment/transcriptions/gd_env_bulletin/2019-06.csv"
    day = "rail/transcriptions/cr_timetable_240410/2024-05-01"
    (sources / month).unlink()
    shutil.rmtree(sources / day)

    def run_refresh() -> subprocess.CompletedProcess[str]:
        own = {"METROCIRCLE_SOURCES": str(sources)}
        return run_cli("refresh", "--json", "--accept", warehouse=warehouse, **own)

    def refresh() -> dict[str, int]:
        return done_again(run_refresh())

    total = {what: of for what, (_, of) in refreshed.facts["done"].items()}
    assert {what: anew for what, (anew, _) in refreshed.facts["done"].items()} == total
    refresh()
    # Or the last one would find the release made from scratch, and write none.
    shutil.rmtree(warehouse / "releases" / str(refreshed.facts["release_id"]))
    shutil.copytree(every / day, sources / day)
    timetable = refresh()
    shutil.copyfile(every / month, sources / month)
    bulletin = refresh()
    for done in (timetable, bulletin):
        assert done["slices"] == 1
        assert 0 < done["rules"] < total["rules"] / 2
        assert 0 < done["models and tests"] < total["models and tests"] / 3
        assert 0 < done["tables"] < total["tables"] / 2
    now = (warehouse / "current").resolve()
    assert now.name == refreshed.facts["release_id"]
    assert compare(now, refreshed.release).is_same
    sound = run_cli("verify", warehouse=warehouse)
    assert sound.returncode == 0, sound.stdout
    # A build that could not start leaves the earlier one's rows, and nothing vouches for them.
    (sources / month).unlink()
    with duckdb.connect(str(warehouse / "build" / "build.duckdb"), read_only=True):
        assert run_refresh().returncode == 1
    with pytest.raises(ReleaseRefused, match=r"models\.build .*lock"):
        make(Settings(warehouse=warehouse, sources=sources))
    assert (warehouse / "current").resolve() == now


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

"""Pins, pruning and the look at the disk: what must stay stays, what goes goes whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from make_tiny_build import TinyBuild, make_tiny_build

from pipelines.errors import MetrocircleError, ReleaseRefused
from pipelines.release import keep, rebuild
from pipelines.release.publish import current_release, use, verify
from pipelines.settings import ROOT


@pytest.fixture
def build(tmp_path: Path) -> TinyBuild:
    return make_tiny_build(tmp_path / "warehouse", few_tables=True)


def published(build: TinyBuild, count: int) -> list[str]:
    """Ids of so many releases, oldest first."""
    ids = []
    for number in range(count):
        build.mark(number)
        ids.append(build.publish().release_id)
    return ids


def age(build: TinyBuild, ids: list[str]) -> None:
    """Publishing takes less than the second that the history counts in."""
    path = build.settings.warehouse / "history.jsonl"
    times = iter(f"2020-01-{day:02d}T00:00:00+00:00" for day in range(1, 32))
    lines = [json.loads(line) | {"time": next(times)} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert keep.releases(build.settings) == ids[::-1]


def test_prune_spares_the_newest_the_pinned_and_the_one_in_use(build: TinyBuild) -> None:
    ids = published(build, 5)
    age(build, ids)
    keep.pin(build.settings, ids[1], "cited in a paper")
    use(build.settings, ids[2])
    assert set(keep.doomed(build.settings, 2)) == {ids[0], ids[3]}
    done = keep.prune(build.settings, 1)
    assert set(done.removed) == {ids[0], ids[3], ids[4]}
    assert set(keep.releases(build.settings)) == {ids[1], ids[2]}
    for name in (ids[1], ids[2]):
        assert verify(build.settings.releases / name) == []
    current = current_release(build.settings)
    assert current is not None and current.release_id == ids[2]
    assert keep.prune(build.settings, 1).removed == ()


def test_a_pin_can_be_taken_away_and_names_a_release(build: TinyBuild) -> None:
    first, _ = published(build, 2)
    keep.pin(build.settings, first, "a reason")
    assert keep.pins(build.settings)[first]["reason"] == "a reason"
    keep.unpin(build.settings, first)
    assert keep.prune(build.settings, 1).removed == (first,)
    with pytest.raises(ReleaseRefused, match="no release"):
        keep.pin(build.settings, first, "")
    with pytest.raises(ReleaseRefused, match="not pinned"):
        keep.unpin(build.settings, first)


def test_an_unreadable_list_of_pins_stops_a_prune(build: TinyBuild) -> None:
    """Taken for an empty one it would cost the releases that a person asked to keep."""
    ids = published(build, 2)
    (build.settings.warehouse / keep.PINS).write_text("{")
    with pytest.raises(MetrocircleError, match="cannot be read"):
        keep.prune(build.settings, 1)
    assert set(keep.releases(build.settings)) == set(ids)


def test_keep_zero_is_refused(build: TinyBuild) -> None:
    with pytest.raises(MetrocircleError, match="expected 1 or more"):
        keep.prune(build.settings, 0)


def test_remains_of_a_killed_prune_are_no_release_and_are_swept(build: TinyBuild) -> None:
    first, second = published(build, 2)
    aside = build.settings.releases / f"{keep.PRUNED}{first}-0011"
    (build.settings.releases / first).rename(aside)
    assert keep.releases(build.settings) == [second]
    keep.prune(build.settings, 5)
    assert not aside.exists()


def test_a_full_disk_is_met_before_anything_is_written(
    build: TinyBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(build, 1)
    keep.preflight(build.settings)
    usage = keep.shutil.disk_usage(build.settings.warehouse)
    monkeypatch.setattr(keep.shutil, "disk_usage", lambda path: usage._replace(free=1 << 20))
    with pytest.raises(MetrocircleError, match="has 1 MB free, a refresh may need"):
        keep.preflight(build.settings)


def test_two_releases_that_differ_are_told_apart(build: TinyBuild) -> None:
    first, second = published(build, 2)
    folder = build.settings.releases
    assert rebuild.compare(folder / first, folder / first).is_same
    found = rebuild.compare(folder / first, folder / second)
    assert not found.is_same
    assert found.differing[0] == "release_id"
    assert "parquet/city_indicator_year.parquet" in found.differing


def test_folders_list_their_files_in_another_order() -> None:
    """Where the operating system's order reached a release, the rebuild would differ."""
    code = (
        "import os, pathlib; from pipelines.release.rebuild import shuffle_folders\n"
        "here = pathlib.Path('pipelines'); before = [p.name for p in sorted(here.glob('*.py'))]\n"
        "shuffle_folders(1)\n"
        "after = [p.name for p in here.glob('*.py')]\n"
        "assert after != before and sorted(after) == before, after\n"
        "names = next(os.walk(here))[2]; assert names != sorted(names)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

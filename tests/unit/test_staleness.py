"""What makes which slice stale: bytes do, times do not, and the plan is cheap."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import make_yearbook
import pytest

from pipelines import cli, staleness
from pipelines.archive import acquire, offers, store
from pipelines.errors import MetrocircleError
from pipelines.orchestration import alerts, partitions
from pipelines.settings import ROOT, Settings
from pipelines.sources import BY_NAME
from pipelines.staleness import Plan

EDITION = "yearbook/china_city_yearbook--2019"
TRANSCRIPTION = "sources/yearbook/transcriptions/china_city_yearbook/2019.csv"


def settle(settings: Settings) -> None:
    """Leave the state of a refresh that did everything, without doing it."""
    plan = staleness.plan(settings)
    for item in plan.slices:
        path = settings.lake / BY_NAME[item.source].tables[0] / f"{item.name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        staleness.mark_extracted(settings, item)
    staleness.mark_released(settings, plan.release_fingerprint, "r1")
    release = settings.releases / "r1"
    release.mkdir(parents=True, exist_ok=True)
    (release / "release.json").write_text("{}")
    settings.current.unlink(missing_ok=True)
    settings.current.symlink_to("releases/r1")


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = make_yearbook.house(tmp_path_factory.mktemp("house"))
    settle(settings)
    return settings


def stale(plan: Plan) -> set[str]:
    return {item.key for item in plan.stale}


def append(settings: Settings, name: str) -> Callable[[], object]:
    """Add a byte to a file of the house; returns what undoes it."""
    path = settings.root / name
    before = path.read_bytes()
    path.write_bytes(before + b"\n")
    return lambda: path.write_bytes(before)


def test_a_settled_house_has_nothing_to_do(shared_house: Settings) -> None:
    assert staleness.plan(shared_house).nothing_to_do


def test_a_touched_file_is_no_change(shared_house: Settings) -> None:
    for path in (shared_house.root / TRANSCRIPTION, shared_house.root / "requirements.lock"):
        os.utime(path, (1, 1))
    (shared_house.root / "pipelines" / "__pycache__").mkdir(exist_ok=True)
    (shared_house.root / "pipelines" / "__pycache__" / "x.py").write_text("1")
    assert staleness.plan(shared_house).nothing_to_do


# file that changes, sources whose slices go stale (one slice, all of a source)
CHANGES = [
    (TRANSCRIPTION, {EDITION}, set()),
    ("sources/yearbook/maps/headers.csv", set(), {"yearbook"}),
    ("sources/yearbook/corrections.yml", set(), {"yearbook"}),
    ("pipelines/yearbook/maps.py", set(), {"yearbook"}),
    ("sources/units.csv", {"registry/all"}, {"yearbook"}),
    ("sources/geography/divisions.csv", {"geography/all"}, {"yearbook"}),
    ("pipelines/yearbook/transcribe.py", set(), set()),
    ("dbt_project/models/marts/city/city_indicator_best.sql", set(), set()),
    ("expectations/observation.py", set(), set()),
    ("pipelines/release/parquet.py", set(), set()),
]


@pytest.mark.parametrize(("name", "slices", "sources"), CHANGES)
def test_a_changed_byte_reaches_what_depends_on_it(
    shared_house: Settings, name: str, slices: set[str], sources: set[str]
) -> None:
    undo = append(shared_house, name)
    try:
        plan = staleness.plan(shared_house)
    finally:
        undo()
    # Sources that join later may depend on the same registries; these three must behave as said.
    ours = {s.key for s in plan.slices if s.source in ("registry", "geography", "yearbook")}
    whole = {s.key for s in plan.slices if s.source in sources}
    assert stale(plan) & ours == slices | whole
    assert plan.release_stale is (name != "pipelines/yearbook/transcribe.py")


@pytest.mark.parametrize("name", ["requirements.lock", "sources/contract.yml"])
def test_the_lock_and_the_contract_reach_everything(shared_house: Settings, name: str) -> None:
    undo = append(shared_house, name)
    try:
        plan = staleness.plan(shared_house)
    finally:
        undo()
    assert stale(plan) == {s.key for s in plan.slices}


def test_a_model_that_moves_makes_the_release_stale(shared_house: Settings) -> None:
    """The folder of a model decides its schema and settings, whatever its name."""
    models = shared_house.dbt_project / "models"
    old, new = models / "meta" / "lineage.sql", models / "meta" / "moved" / "lineage.sql"
    new.parent.mkdir()
    old.rename(new)
    try:
        plan = staleness.plan(shared_house)
    finally:
        new.rename(old)
        new.parent.rmdir()
    assert plan.release_stale and not plan.stale


def test_a_withdrawn_slice_is_gone_also_when_the_state_is_lost(tmp_path: Path) -> None:
    house = make_yearbook.house(tmp_path)
    settle(house)
    (house.root / TRANSCRIPTION).unlink()
    plan = staleness.plan(house)
    assert (plan.gone, stale(plan), plan.release_stale) == ((EDITION,), set(), True)
    staleness.state_path(house).unlink()
    assert staleness.plan(house).gone == (EDITION,)


def test_a_lost_lake_file_is_made_again(tmp_path: Path) -> None:
    house = make_yearbook.house(tmp_path)
    settle(house)
    (house.lake / "observation" / "china_city_yearbook--2019.parquet").unlink()
    assert stale(staleness.plan(house)) == {EDITION}


@pytest.mark.parametrize(
    "state",
    [
        b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe\x00", b'{"slices": null}',
        b'{"slices": []}', b'{"slices": {"a/b": 1}, "release": 3}', b'{"release": {}}',
    ],
)  # fmt: skip
def test_a_corrupted_state_makes_everything_again(shared_house: Settings, state: bytes) -> None:
    path = staleness.state_path(shared_house)
    before = path.read_bytes()
    path.write_bytes(state)
    try:
        plan = staleness.plan(shared_house)
    finally:
        path.write_bytes(before)
    assert stale(plan) == {s.key for s in plan.slices} and plan.release_stale


def test_a_state_without_its_release_id_names_what_is_wrong(shared_house: Settings) -> None:
    path = staleness.state_path(shared_house)
    before = path.read_bytes()
    state = json.loads(before)
    del state["release"]["release_id"]
    path.write_text(json.dumps(state))
    try:
        plan = staleness.plan(shared_house)
    finally:
        path.write_bytes(before)
    assert plan.release_stale and not plan.stale


def test_code_is_hashed_below_a_folder_with_the_name_of_a_produced_one(tmp_path: Path) -> None:
    house = make_yearbook.house(tmp_path / "target" / "logs")
    before = staleness.code_hash(house)
    append(house, "pipelines/release/parquet.py")
    assert staleness.code_hash(house) != before


def test_fingerprints_do_not_know_the_machine(shared_house: Settings, tmp_path: Path) -> None:
    there = {s.key: s.fingerprint for s in staleness.plan(shared_house).slices}
    here = {s.key: s.fingerprint for s in staleness.plan(make_yearbook.house(tmp_path)).slices}
    assert here == there


def test_a_dropped_file_makes_its_slice_stale_and_leaving_it_out_again(
    shared_house: Settings, tmp_path: Path
) -> None:
    (tmp_path / "mine.csv").write_text(make_yearbook.text(), encoding="utf-8")
    (tmp_path / "new.csv").write_text(make_yearbook.text({"edition": "1999"}), encoding="utf-8")
    plan = staleness.plan(replace(shared_house, drop=tmp_path))
    assert stale(plan) == {
        "yearbook/guangdong_yearbook--1999",
        "yearbook/guangdong_yearbook--2024",
    }
    assert staleness.plan(shared_house).nothing_to_do


def test_the_plan_imports_nothing_heavy_and_is_quick(tmp_path: Path) -> None:
    script = """
import sys, time
start = time.perf_counter()
from pipelines import settings, staleness
staleness.plan(settings.load())
heavy = {"polars", "duckdb", "dagster", "dbt", "great_expectations", "pyarrow"} & set(sys.modules)
print(sorted(heavy), time.perf_counter() - start)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "METROCIRCLE_WAREHOUSE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy, seconds = done.stdout.rsplit(maxsplit=1)
    assert heavy == "[]"
    # Measured 0.15 s; the bound leaves room for a loaded machine.
    assert float(seconds) < 2


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Files whose bytes the disk does not give, to root neither."""
    files: set[Path] = set()

    def read(path: Path) -> str:
        if path in files:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return store.sha256_of(path)

    monkeypatch.setattr(offers, "sha256_of", read)
    return files


@pytest.mark.parametrize("source", ["yearbook", "rail", "environment"])
def test_a_range_at_the_command_line_is_one_run_of_exactly_its_slices(
    shared_house: Settings, source: str
) -> None:
    every = acquire.slice_names(shared_house, source)
    first, last = every[0], every[min(3, len(every) - 1)]
    wanted = every[: every.index(last) + 1]
    for text in (f"{source}/{first}...{last}", f"{source}/{first}...{source}/{last}"):
        plan = staleness.plan(shared_house, [text])
        assert stale(plan) == {f"{source}/{name}" for name in wanted} and len(wanted) > 1
        assert partitions.ranges([item.name for item in plan.stale], every) == [(first, last)]
    for text in (f"{source}/{last}...{first}", f"{source}/{first}...nothing", f"{first}...{last}"):
        with pytest.raises(MetrocircleError, match="no slice is named"):
            staleness.plan(shared_house, [text])


def test_a_file_that_turns_unreadable_is_no_withdrawal(
    tmp_path: Path, faulty: set[Path], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its slice keeps the bytes that were taken in, and everybody is told until it is mended."""
    (tmp_path / "drop").mkdir()
    house = replace(make_yearbook.house(tmp_path), drop=tmp_path / "drop")
    path = tmp_path / "drop" / "mine.csv"
    path.write_text(make_yearbook.text({"edition": "1999"}), encoding="utf-8")
    settle(house)
    (mine,) = acquire.offered(house)[0]
    held = store.put(house.archive, mine)

    faulty.add(path)
    path.touch()  # or the memory of offers answers
    plan = staleness.plan(house)
    assert plan.nothing_to_do
    (reason,) = plan.reasons
    assert reason.startswith("unreadable: mine.csv: Input/output error; the bytes held of it stay")
    assert mine.slice in acquire.slice_names(house, "yearbook")
    (again,) = acquire.offered(house)[0]
    assert (again.snapshot_id, again.path) == (mine.snapshot_id, held)
    assert [cause.key for cause in alerts.examine(house)] == ["supply:drop/mine.csv"]
    monkeypatch.setattr("pipelines.settings.load", lambda: house)
    for command in (["refresh"], ["refresh", "--dry-run"], ["status"]):
        assert cli.main(command) == 0
        shown = capsys.readouterr()
        assert reason in shown.out + shown.err

    # One that was never taken in has no bytes to fall back on.
    new = tmp_path / "drop" / "new.csv"
    new.write_text(make_yearbook.text({"edition": "1998"}), encoding="utf-8")
    faulty.add(new)
    taken, refused = acquire.offered(house)
    assert [s.file for s in taken] == ["drop/mine.csv"]
    assert "never taken in" in refused[1].reason

    # The fault was not learnt by heart: unchanged files are read again once the disk gives them.
    faulty.clear()
    taken, refused = acquire.offered(house)
    assert ([s.path for s in taken], refused) == ([path, new], [])
    assert alerts.examine(house) == []

    path.unlink()
    assert staleness.plan(house).gone == (f"yearbook/{mine.slice}",)

    # The place where a disk was mounted is an empty folder.
    new.unlink()
    with pytest.raises(MetrocircleError, match="is empty, but 1 files of it are in use"):
        staleness.plan(house)
    assert [cause.key for cause in alerts.examine(house)] == ["supply:drop folder"]
    assert staleness.plan(replace(house, accept_changes=True)).gone

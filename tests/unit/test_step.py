"""Steps of a run beside other writers: each waits its turn, and a release rests on one lake."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dagster as dg
import make_yearbook
import pytest
from test_staleness import TRANSCRIPTION, append, settle

from pipelines import extract, staleness
from pipelines import step as steps
from pipelines.definitions import build_defs
from pipelines.errors import MetrocircleError
from pipelines.fingerprint import remember_code
from pipelines.lock import WriterBusy, exclusive
from pipelines.orchestration import retries, runs
from pipelines.quality import results
from pipelines.release import assets as release
from pipelines.settings import ROOT, Settings
from pipelines.sources import SOURCES
from pipelines.step import Ground, Overtaken, ground, step

HOLDER = """
import sys
from pathlib import Path
from pipelines.lock import exclusive
from pipelines.settings import Settings
with exclusive(Settings(warehouse=Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def held_by_another(warehouse: Path) -> Iterator[subprocess.Popen[str]]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(warehouse)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    try:
        yield holder
    finally:
        holder.communicate("done\n")


@pytest.fixture
def house(tmp_path: Path) -> Settings:
    settings = make_yearbook.house(tmp_path)
    settle(settings)
    return settings


def judge(settings: Settings, stands_on: Ground | None = None) -> None:
    for name in release.judges():
        results.save(settings, name, [], stands_on or ground(settings))


# --------------------------------------------------------------------------------- in turn


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, dg.Definitions]:
    settings = Settings(warehouse=tmp_path_factory.mktemp("warehouse"))
    return settings, build_defs(settings)


@pytest.mark.parametrize("job", [*(source.name for source in SOURCES), "build_release"])
def test_no_step_of_a_job_works_beside_a_writer(
    job: str, defs: tuple[Settings, dg.Definitions], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Launched from the UI or by a schedule while a refresh runs at the command line."""
    settings, definitions = defs
    monkeypatch.setattr(steps, "PATIENCE_SECONDS", 0.0)
    resolved = definitions.resolve_job_def(job)
    partitions = resolved.partitions_def
    with held_by_another(settings.warehouse):
        result = resolved.execute_in_process(
            raise_on_error=False,
            partition_key=partitions.get_first_partition_key() if partitions else None,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    failed = [e for e in result.all_node_events if e.is_step_failure]
    assert failed
    for event in failed:
        chain = retries.chain_of(event.step_failure_data.error)
        assert retries.is_passing(chain), chain
        assert chain[-1][0] == "WriterBusy", chain
    assert [path.name for path in settings.warehouse.glob("*/*.parquet")] == []


def test_a_step_waits_for_the_writer_to_end(tmp_path: Path) -> None:
    settings = Settings(warehouse=tmp_path)
    with held_by_another(tmp_path) as holder:
        with pytest.raises(WriterBusy, match=str(holder.pid)), exclusive(settings, patience_s=0.1):
            pass
        assert holder.stdin is not None
        holder.stdin.write("done\n")
        holder.stdin.flush()
        with step(settings):
            pass


# ---------------------------------------------------------------------------- on one lake


def test_a_release_of_one_lake_and_one_code_is_marked_with_them(house: Settings) -> None:
    judge(house)
    assert release.judged(house) == ([], staleness.plan(house).release_fingerprint)


def test_a_lake_that_was_changed_after_a_step_refuses_the_release(house: Settings) -> None:
    """Marts of one lake beside the tidy tables of another would be a mixed release."""
    judge(house)
    path = next((house.lake / "observation").glob("*.parquet"))
    path.replace(path.with_suffix(".old"))
    path.write_bytes(b"")
    with pytest.raises(Overtaken, match=r"after .* had judged it: run build_release whole"):
        release.make(house)
    # The models alone anew are not enough: the rules have not seen this lake.
    results.save(house, "dbt", [], ground(house))
    with pytest.raises(Overtaken, match="great_expectations-registry"):
        release.make(house)


def test_a_step_that_never_judged_refuses_the_release(house: Settings) -> None:
    judge(house)
    (house.build / "checks-dbt.json").write_text('[{"rule_id": "of an older version"}]')
    with pytest.raises(Overtaken, match="dbt has not judged this lake"):
        release.make(house)


def test_a_lake_of_unknown_origin_is_not_published(house: Settings) -> None:
    judge(house)
    staleness.state_path(house).write_text("{")
    with pytest.raises(Overtaken, match="run metrocircle refresh"):
        release.make(house)


def test_models_that_change_during_a_run_leave_a_release_that_counts_as_stale(
    house: Settings,
) -> None:
    judge(house)
    append(house, "dbt_project/models/marts/city/city_indicator_best.sql")
    results.save(house, "dbt", [], ground(house))
    checks, fingerprint = release.judged(house)
    assert (checks, fingerprint) == ([], "")
    staleness.mark_released(house, fingerprint, "r1")
    assert staleness.plan(house).release_stale


def test_what_arrives_during_a_run_is_not_said_to_be_in_its_release(
    house: Settings, tmp_path: Path
) -> None:
    before = staleness.snapshots_in_lake(house)
    judge(house)
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "new.csv").write_text(make_yearbook.text({"edition": "1999"}), encoding="utf-8")
    later = replace(house, drop=drop)
    _, fingerprint = release.judged(later)
    staleness.mark_released(later, fingerprint, "r1")
    assert staleness.snapshots_in_lake(later) == before
    plan = staleness.plan(later)
    assert [item.name for item in plan.stale] == ["guangdong_yearbook--1999"]
    assert plan.release_stale


def test_code_that_changes_under_a_running_process_makes_its_work_stale(house: Settings) -> None:
    """What runs is what was loaded; the fingerprint must not promise the newer file."""
    remember_code(house)
    before = staleness.plan(house)
    append(house, "pipelines/yearbook/maps.py")
    with step(house):
        inside = staleness.plan(house)
        for item in inside.slices:
            staleness.mark_extracted(house, item)
    assert {s.fingerprint for s in inside.slices} == {s.fingerprint for s in before.slices}
    stale = {item.source for item in staleness.plan(house).stale}
    assert stale == {"yearbook"}


# ------------------------------------------------------------------------------- what is gone


def test_a_withdrawn_edition_leaves_the_lake_without_a_refresh_at_the_command_line(
    house: Settings,
) -> None:
    (house.root / TRANSCRIPTION).unlink()
    path = house.lake / "observation" / "china_city_yearbook--2019.parquet"
    assert path.exists()
    assert extract.forget_gone(house) == ("yearbook/china_city_yearbook--2019",)
    assert not path.exists()
    held = {(row["document"], row["edition"]) for row in staleness.snapshots_in_lake(house)}
    assert held and ("china_city_yearbook", "2019") not in held
    assert extract.forget_gone(house) == ()


def test_a_drop_folder_that_is_gone_takes_nothing_out_of_the_lake(house: Settings) -> None:
    held = sorted(house.lake.glob("*/*"))
    with pytest.raises(MetrocircleError, match="not a folder"):
        extract.forget_gone(replace(house, drop=house.root / "unmounted"))
    assert sorted(house.lake.glob("*/*")) == held


# --------------------------------------------------------------------------------- dead runs


def _run(instance: dg.DagsterInstance, pid: int | None, **tags: str) -> str:
    run = instance.create_run(
        job_name="registry", run_id=None, run_config=None, tags=tags, status=None,
        step_keys_to_execute=None, root_run_id=None, parent_run_id=None, job_snapshot=None,
        execution_plan_snapshot=None, parent_job_snapshot=None, asset_selection=None,
        asset_check_selection=None, resolved_op_selection=None, op_selection=None,
        remote_job_origin=None, job_code_origin=None, asset_graph=None,
    )  # fmt: skip
    if pid is not None:
        instance.report_engine_event(f"Started process for run (pid: {pid}).", run)
    for kind in (dg.DagsterEventType.RUN_STARTING, dg.DagsterEventType.RUN_START):
        event = dg.DagsterEvent(event_type_value=kind.value, job_name=run.job_name)
        instance.report_dagster_event(event, run_id=run.run_id)
    return run.run_id


def test_runs_without_a_process_are_buried_and_living_ones_are_not(tmp_path: Path) -> None:
    """One that stays `started` for ever holds the only place in the queue."""
    settings = Settings(warehouse=tmp_path / "warehouse")
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    tag = {next(iter(runs.LAUNCHED_HERE)): "refresh"}
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        dead, lives = _run(instance, gone.pid), _run(instance, living.pid)
        silent, refresh = _run(instance, None), _run(instance, None, **tag)
        with held_by_another(settings.warehouse):
            assert [r.run_id for r in runs.bury_dead(instance, settings)] == [dead]
        assert [r.run_id for r in runs.bury_dead(instance, settings)] == [refresh]
        assert runs.bury_dead(instance, settings) == []
        failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        assert {r.run_id for r in failed} == {dead, refresh}
        living.communicate(b"\n")
        assert [r.run_id for r in runs.bury_dead(instance, settings)] == [lives]
        assert instance.get_run_by_id(silent).status is dg.DagsterRunStatus.STARTED
        events = instance.all_logs(dead, of_type=dg.DagsterEventType.RUN_FAILURE)
        assert retries.is_death(events[0].dagster_event)


def test_a_number_given_out_again_is_no_sign_of_life() -> None:
    import os

    assert runs._lives(os.getpid(), since=runs._born(os.getpid()) or 0)
    assert not runs._lives(os.getpid(), since=0.0)

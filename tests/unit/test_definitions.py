"""Names that people and schedules rely on: asset keys, jobs, schedules; Dagster loads them.

A renamed asset shows here in the diff. A new source adds lines and changes none.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from pipelines import contract, lake, refresh, staleness
from pipelines.archive import acquire
from pipelines.definitions import build_defs
from pipelines.orchestration import partitions, schedules
from pipelines.settings import ROOT, Settings
from pipelines.sources import BY_NAME, SOURCES

EXTRACTED = {
    "registry": {"lake/indicator", "lake/unit", "lake/document"},
    "geography": {
        "lake/division", "lake/place_alias", "lake/city_centre", "lake/division_change",
        "lake/circle", "lake/circle_member",
    },
    "yearbook": {"lake/observation"},
}  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(warehouse=tmp_path_factory.mktemp("warehouse"))


@pytest.fixture(scope="module")
def defs(settings: Settings) -> dg.Definitions:
    return build_defs(settings)


def keys(defs: dg.Definitions, job: str) -> set[str]:
    layer = defs.resolve_job_def(job).asset_layer
    return {key.to_user_string() for key in layer.selected_asset_keys}


@pytest.mark.parametrize(("source", "expected"), EXTRACTED.items())
def test_a_source_job_writes_its_tables(
    defs: dg.Definitions, source: str, expected: set[str]
) -> None:
    assert keys(defs, source) == expected


def test_every_source_declares_the_tables_its_job_writes(defs: dg.Definitions) -> None:
    known = contract.load(Settings().contract)
    for source in SOURCES:
        assert {f"lake/{table}" for table in source.tables} <= keys(defs, source.name)
        assert all(known.table(table).lake for table in source.tables), source.name


def test_build_release_makes_every_contracted_model_and_extracts_nothing(
    defs: dg.Definitions,
) -> None:
    made = keys(defs, "build_release")
    assert not {key for key in made if key.startswith("lake/")}
    models = {table.name for table in contract.load(Settings().contract).dbt_models()}
    assert models <= {key.rsplit("/", 1)[-1] for key in made}


def test_one_job_and_one_schedule_per_source_and_one_that_publishes(defs: dg.Definitions) -> None:
    jobs = {*(source.name for source in SOURCES), "build_release"}
    assert jobs <= {job.name for job in defs.resolve_all_job_defs()}
    found = {s.name: s for s in defs.schedules or [] if isinstance(s, dg.ScheduleDefinition)}
    assert set(found) == {f"{job}_schedule" for job in jobs}
    publishing = [job for job in jobs if "metrocircle/publishes" in defs.resolve_job_def(job).tags]
    assert publishing == ["build_release"]
    assert {s.execution_timezone for s in found.values()} == {"Asia/Shanghai"}
    assert {s.default_status for s in found.values()} == {dg.DefaultScheduleStatus.STOPPED}


def test_schedules_start_only_by_setting(settings: Settings) -> None:
    switched_on = schedules.build_schedules(replace(settings, schedules_on=True))
    assert {s.default_status for s in switched_on} == {dg.DefaultScheduleStatus.RUNNING}


def test_a_tick_on_an_empty_warehouse_asks_for_everything_in_one_range(settings: Settings) -> None:
    (whole,) = schedules.requests(settings, "geography")
    assert isinstance(whole, dg.RunRequest)
    (ranged,) = schedules.requests(settings, "yearbook")
    names = acquire.slice_names(settings, "yearbook")
    assert isinstance(ranged, dg.RunRequest)
    assert ranged.tags.items() >= partitions.range_tags(names[0], names[-1]).items()


@pytest.mark.parametrize(
    ("stale", "expected"),
    [
        ("", []),
        ("a", [("a", "a")]),
        ("ab", [("a", "b")]),
        ("acde", [("a", "a"), ("c", "e")]),
        ("edcba", [("a", "e")]),
        ("ace", [("a", "a"), ("c", "c"), ("e", "e")]),
    ],
)
def test_neighbouring_slices_run_as_one(stale: str, expected: list[tuple[str, str]]) -> None:
    assert partitions.ranges(list(stale), list("abcde")) == expected


@pytest.mark.slow
def test_a_change_costs_its_own_slices_and_a_range_one_run(
    defs: dg.Definitions, settings: Settings
) -> None:
    """Counted on real extractions: Dagster runs, files of the lake that were written, what is
    stale afterwards. An edition, then a backfill of five, then one lost file of another source."""

    def written() -> dict[str, int]:
        files = settings.lake.glob("*/*.parquet")
        return {f"{p.parent.name}/{p.stem}": p.stat().st_mtime_ns for p in files}

    def stale() -> dict[str, set[str]]:
        found = {source.name: set[str]() for source in SOURCES}
        for item in staleness.plan(settings).stale:
            found[item.source].add(item.name)
        return found

    def run(source: str, names: Sequence[str]) -> tuple[int, set[str]]:
        """How many runs it took, and what of the lake was written."""
        runs, before = instance.get_runs_count(), written()
        refresh._extract(defs, instance, settings, BY_NAME[source], list(names), lambda _: None)
        after = written()
        changed = {key for key, when in after.items() if before.get(key) != when}
        return instance.get_runs_count() - runs, changed

    with dg.DagsterInstance.ephemeral() as instance:
        for source in ("registry", "geography"):
            assert run(source, ["all"])[0] == 1
        editions = acquire.slice_names(settings, "yearbook")
        at_first = stale()
        assert at_first["yearbook"] == set(editions) and not at_first["geography"]
        runs, files = run("yearbook", editions[:1])
        assert runs == 1
        assert {f for f in files if "rejects" not in f} == {f"observation/{editions[0]}"}
        runs, files = run("yearbook", editions[1:6])
        assert runs == 1
        assert {f for f in files if "rejects" not in f} == {
            f"observation/{name}" for name in editions[1:6]
        }
        left = stale()
        assert left["yearbook"] == set(editions[6:])
        # Nothing else was touched: the other sources are as stale as they were.
        assert {n: s for n, s in left.items() if n != "yearbook"} == {
            n: s for n, s in at_first.items() if n != "yearbook"
        }
        # A stale edition in the middle of a settled range is a run of its own, and only itself.
        lake.path_of(settings.lake, "observation", editions[3]).unlink()
        assert stale()["yearbook"] == {editions[3], *editions[6:]}
        runs, files = run("yearbook", [editions[3]])
        assert (runs, {f for f in files if "rejects" not in f}) == (
            1, {f"observation/{editions[3]}"},
        )  # fmt: skip


@pytest.mark.slow
def test_dagster_validates_the_workspace(tmp_path: Path) -> None:
    storage = tmp_path / "dagster"
    storage.mkdir()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dagster"), "definitions", "validate", "-w",
         "workspace.yaml"],
        cwd=ROOT,
        env={
            **os.environ,
            "DAGSTER_HOME": str(ROOT),
            "METROCIRCLE_DAGSTER_STORAGE": str(storage),
            "METROCIRCLE_WAREHOUSE": str(tmp_path),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

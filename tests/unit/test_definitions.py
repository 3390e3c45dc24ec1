"""Names that people and schedules rely on: asset keys, jobs, schedules; Dagster loads them.

A renamed asset shows here in the diff. A new source adds lines and changes none.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from pipelines import contract
from pipelines.archive import acquire
from pipelines.definitions import build_defs
from pipelines.orchestration import partitions, schedules
from pipelines.settings import ROOT, Settings
from pipelines.sources import SOURCES

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

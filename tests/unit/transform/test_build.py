"""Which part of the models a build makes again, decided before dbt is asked; it is not run here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from pipelines import lake
from pipelines.settings import Settings
from pipelines.transform import project

NODES = {
    "model.m.stg_air": ["source.m.lake.air_city_day"],
    "model.m.air": ["model.m.stg_air"],
    "model.m.gap": ["source.m.lake.observation", "model.m.air"],
}


class Dbt:
    """Stands where dbt would: writes what it writes, and remembers what it was asked."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.asked = settings, list[list[str]]()
        self.dies = self.fails = False
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, settings: Settings, arguments: list[str]) -> Any:
        self.asked.append(arguments)
        self.meanwhile()
        if self.dies:
            raise KeyboardInterrupt
        if self.fails:
            return SimpleNamespace(success=False, exception=OSError("no lock"), result=None)
        chosen = NODES if "--select" not in arguments else ["model.m.air"]
        project.build_database(settings).write_bytes(b"made" * len(self.asked))
        folder = project.target_path(settings)
        folder.mkdir(parents=True, exist_ok=True)
        results = [
            {"unique_id": node, "status": "success", "compiled_code": f"select {len(self.asked)}"}
            for node in chosen
        ]
        (folder / "run_results.json").write_text(json.dumps({"results": results}))
        manifest = {
            "nodes": {
                node: {"name": node.rpartition(".")[2], "resource_type": "model"} for node in NODES
            },
            "sources": {
                f"source.m.lake.{name}": {"name": name} for name in ("air_city_day", "observation")
            },
            "parent_map": NODES,
        }
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return SimpleNamespace(success=True, exception=None, result=None)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(warehouse=tmp_path / "warehouse")
    for table in ("air_city_day", "observation"):
        write(made, table, 1)
    return made


@pytest.fixture
def dbt(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Dbt:
    made = Dbt(settings)
    monkeypatch.setattr(project, "_invoke", made)
    return made


def write(settings: Settings, table: str, value: int, slice_: str = "2022") -> None:
    path = lake.path_of(settings.lake, table, slice_)
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({"value": [value]}).write_parquet(path)


def test_the_same_lake_asks_dbt_for_nothing(settings: Settings, dbt: Dbt) -> None:
    first = project.build(settings)
    assert (dbt.asked, first.kept) == ([["build"]], frozenset())
    write(settings, "observation", 1)  # written again, the same bytes
    again = project.build(settings)
    assert len(dbt.asked) == 1
    assert again.kept == set(NODES)
    assert again.run_results == first.run_results


@pytest.mark.parametrize("change", ["another value", "another slice", "no slice"])
def test_a_changed_table_asks_for_what_depends_on_it(
    settings: Settings, dbt: Dbt, change: str
) -> None:
    project.build(settings)
    if change == "no slice":
        lake.drop_stale(settings.lake, "air_city_day", set())
    else:
        write(settings, "air_city_day", 2, "2023" if change == "another slice" else "2022")
    built = project.build(settings)
    assert dbt.asked[1] == [
        "build", "--select", "source:lake.air_city_day+", "--exclude", "resource_type:unit_test",
    ]  # fmt: skip
    assert built.kept == set(NODES) - {"model.m.air"}
    # Each node after its inputs: Dagster refuses to be told of them in another order.
    assert [entry["unique_id"] for entry in built.run_results["results"]] == list(NODES)
    code = {name: node["compiled_code"] for name, node in built.manifest["nodes"].items()}
    assert code == {
        "model.m.stg_air": "select 1", "model.m.air": "select 2", "model.m.gap": "select 1",
    }  # fmt: skip


def test_a_warehouse_that_moved_makes_its_views_again(
    settings: Settings, dbt: Dbt, tmp_path: Path
) -> None:
    project.build(settings)
    moved = Settings(warehouse=settings.warehouse.rename(tmp_path / "moved"))
    project.build(moved)
    assert dbt.asked[1][:3] == ["build", "--select", "config.materialized:view"]


@pytest.mark.parametrize(
    "change", ["model", "package", "database", "journal", "killed", "gone", "manifest"]
)
def test_anything_else_that_changed_starts_from_scratch(
    settings: Settings, dbt: Dbt, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.build(settings)
    if change == "model":
        monkeypatch.setattr(project.Hasher, "of", lambda *_: "other")
    elif change == "package":
        monkeypatch.setattr(project, "version", lambda _: "9")
    elif change == "database":
        project.build_database(settings).write_bytes(b"another hand")
    elif change == "journal":
        project.build_database(settings).with_name("build.duckdb.wal").write_bytes(b"half")
    elif change == "manifest":
        project.manifest_path(settings).unlink()
    elif change == "gone":
        project.build_database(settings).unlink()
    else:
        write(settings, "observation", 2)
        dbt.dies = True
        with pytest.raises(KeyboardInterrupt):
            project.build(settings)
        dbt.dies = False
        write(settings, "observation", 1)
    built = project.build(settings)
    assert dbt.asked[-1] == ["build"]
    assert built.kept == frozenset()


def test_a_dbt_that_never_ran_has_judged_nothing(settings: Settings, dbt: Dbt) -> None:
    """What the earlier build found says nothing of the lake as it lies now."""
    project.build(settings)
    write(settings, "observation", 2)
    dbt.fails = True
    failed = project.build(settings)
    assert (failed.success, failed.message) == (False, "no lock")
    assert (failed.run_results["results"], failed.kept) == ([], frozenset())
    dbt.fails = False
    assert project.build(settings).kept == frozenset()


def test_a_model_edited_and_undone_while_dbt_runs_does_not_count_as_built(
    settings: Settings, dbt: Dbt, tmp_path: Path
) -> None:
    model = tmp_path / "dbt_project" / "models" / "air.sql"
    model.parent.mkdir(parents=True)
    model.write_text("select 1")
    own = replace(settings, dbt_project=tmp_path / "dbt_project", root=tmp_path)

    def edit_and_undo() -> None:
        for text in ("select 2", "select 1"):
            model.with_suffix(".new").write_text(text)
            model.with_suffix(".new").replace(model)

    dbt.meanwhile = edit_and_undo
    project.build(own)
    dbt.meanwhile = lambda: None
    assert project.build(own).kept == frozenset()
    assert project.build(own).kept == set(NODES)


def test_a_model_edited_while_dbt_runs_does_not_count_as_built(
    settings: Settings, dbt: Dbt, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = ["as it was"]
    monkeypatch.setattr(project.Hasher, "of", lambda *_: code[0])
    dbt.meanwhile = lambda: code.append(code.pop() + ", and edited")
    project.build(settings)
    assert project.made_of(settings, project.built_manifest(settings)) == {}
    dbt.meanwhile = lambda: None
    assert project.build(settings).kept == frozenset()
    assert dbt.asked == [["build"], ["build"]]


def test_what_a_model_rests_on_is_every_table_below_it(settings: Settings, dbt: Dbt) -> None:
    def made_of() -> dict[str, str]:
        return project.made_of(settings, project.built_manifest(settings))

    project.build(settings)
    before = made_of()
    write(settings, "observation", 2)
    project.build(settings)
    after = made_of()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"observation", "gap"}

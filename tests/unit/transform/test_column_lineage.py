"""Column lineage is read off the SQL that dbt compiled."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines import contract as contracts
from pipelines.contract import Column, Contract, Table
from pipelines.settings import Settings
from pipelines.transform import lineage
from tests.conftest import ROOT, Refreshed

# A short name keeps the table below readable.
INPUTS = {"lake.seen": ["place", "day", "value"], "policy": ["vintage", "year"]}

# What a column of a SELECT is computed from; `a` is build.lake.seen, `b` build.main.policy.
EXPRESSIONS = """
expression;                                                 from
a.value;                                                    seen.value
a.value * 10;                                               seen.value
coalesce(a.value, b.year);                                  seen.value policy.year
case when b.vintage = 'latest' then a.value end;            seen.value policy.vintage
row_number() over (partition by a.place order by a.value);  seen.place seen.value
(select max(c.value) from build.lake.seen as c);            seen.value
'a constant';
count(*);
"""


def rows_of(text: str) -> list[dict[str, str]]:
    lines = [[cell.strip() for cell in line.split(";")] for line in text.strip().splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


@pytest.mark.parametrize("case", rows_of(EXPRESSIONS), ids=lambda case: case["expression"])
def test_a_column_comes_from_the_columns_its_expression_names(case: dict[str, str]) -> None:
    sql = (
        f"with made as (select {case['expression']} as x, a.day from build.lake.seen as a "
        "join build.main.policy as b on a.day = b.year), other as (select * from made) "
        "select x from other where day > 0"
    )
    found = {f"{table.removeprefix('lake.')}.{c}" for _, table, c in lineage._parse(sql, INPUTS)}
    assert found == set(case["from"].split())


def test_a_star_is_every_column_of_its_input() -> None:
    found = lineage._parse('select * from "build"."main"."policy"', INPUTS)
    assert found == [("vintage", "policy", "vintage"), ("year", "policy", "year")]


def test_sql_that_cannot_be_read_has_no_edges() -> None:
    assert lineage._parse("select from where (", INPUTS) == []


def _contract() -> Contract:
    real = contracts.load(Settings().contract).table(lineage.TABLE)

    def table(name: str, schema: str, made_by: str) -> Table:
        columns = (Column("x", "varchar", "none", "", ""),)
        return Table(name, schema, "", ("x",), ("x",), "", "", "", True, made_by, "", columns)

    tables = [table("observation", "tidy", "extract"), table("best", "main", "dbt"), real]
    tables.append(table("circle", "main", "dbt"))
    return Contract("1.0.0", {t.name: t for t in tables})


EDGES = """
model,  column, input,            input column
stg,    value,  lake.observation, value
stg,    circle, lake.circle,      circle_id
int,    value,  stg,              value
int,    value,  factor,           factor
int,    one,    constant_model,   one
best,   value,  int,              value
best,   name,   stg,              circle
best,   one,    int,              one
constant_model, two, lake.observation, two
"""
ORIGINS = """
column, input,            input column
name,   lake.circle,      circle_id
value,  seed.factor,      factor
value,  tidy.observation, value
"""


def test_origins_are_what_is_read_and_never_what_is_made() -> None:
    """Through two models; a column that a model makes out of nothing has no origin."""

    def read(text: str) -> list[list[str]]:
        return list(csv.reader(text.strip().splitlines()[1:], skipinitialspace=True))

    edges = [tuple(cell.strip() for cell in row) for row in read(EDGES)]
    table = lineage.table(_contract(), edges)
    origins = [row for row in table.rows() if row[4] == "origin"]
    assert [[*row[1:4]] for row in origins] == [[c.strip() for c in r] for r in read(ORIGINS)]
    assert {row[0] for row in origins} == {"main.best"}
    direct = {row[:4] for row in table.rows() if row[4] == "direct"}
    assert ("build.int", "value", "build.stg", "value") in direct
    assert ("main.best", "value", "build.int", "value") in direct


def _build(sql: str) -> tuple[dict[str, Any], dict[str, Any]]:
    model = {"name": "stg", "resource_type": "model", "depends_on": {"nodes": ["source.rejects"]}}
    source = {"name": "rejects", "resource_type": "source", "relation_name": "'/home/me/r.parquet'"}
    results = {"results": [{"unique_id": "model.stg", "compiled_code": sql}]}
    return results, {"nodes": {"model.stg": model}, "sources": {"source.rejects": source}}


def test_an_unchanged_model_is_not_parsed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(warehouse=tmp_path)
    settings.build.mkdir()
    sql = "select file from '/home/me/r.parquet'"
    edges = lineage.save(settings, *_build(sql), {})
    assert edges == [("stg", "file", "lake.rejects", "file")]
    assert "/home/me" not in lineage.cache_path(settings).read_text(encoding="utf-8")
    monkeypatch.setattr(lineage, "_parse", lambda *_: pytest.fail("parsed again"))
    assert lineage.save(settings, *_build(sql), {}) == edges
    monkeypatch.undo()
    changed = lineage.save(settings, *_build(sql.replace("file", "reason as file")), {})
    assert changed == [("stg", "file", "lake.rejects", "reason")]


def test_the_release_says_where_its_columns_come_from(refreshed: Refreshed, sql: Any) -> None:
    """Every model could be read, and a circle's value goes back to the printed one."""
    origins = sql(
        "select input_table || '.' || input_column from meta.column_lineage where step = 'origin' "
        "and table_name = 'main.circle_indicator_year' and column_name = 'value'"
    )
    assert {("tidy.observation.value",), ("tidy.unit.factor",)} <= set(origins)
    read = {row[0] for row in sql("select distinct table_name from meta.column_lineage")}
    made = contracts.load(Settings().contract).dbt_models()
    assert {f"{table.schema}.{table.name}" for table in made} <= read
    stray = sql(
        "select input_table, input_column from meta.column_lineage as l "
        "where input_table like 'tidy.%' and not exists (select 1 from meta.column_dictionary as d "
        "where d.table_name = l.input_table and d.column_name = l.input_column)"
    )
    assert stray == []


def test_dagster_shows_it_too(refreshed: Refreshed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(ROOT))
    monkeypatch.setenv("METROCIRCLE_DAGSTER_STORAGE", str(refreshed.warehouse / "dagster"))
    with dg.DagsterInstance.get() as instance:
        event = instance.get_latest_materialization_event(
            dg.AssetKey(["marts", "circle_indicator_year"])
        )
    assert event is not None and event.asset_materialization is not None
    shown = event.asset_materialization.metadata["dagster/column_lineage"].value
    [ratio] = [
        dep.asset_key
        for dep in shown.deps_by_column["value"]
        if dep.asset_key.path[-1] == "int_circle__ratio" and dep.column_name == "value"
    ]
    assert ratio == dg.AssetKey(["intermediate", "int_circle__ratio"])

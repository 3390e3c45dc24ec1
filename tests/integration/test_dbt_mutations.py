"""Every data test of dbt fails on a corruption that it forbids, and no other test does.

The tests run as dbt compiled them, on a copy of the database that the refresh built.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import Refreshed

pytestmark = pytest.mark.slow

# What the tests written in dbt_project/tests forbid: test -> (model, statement that breaks it).
BY_HAND = {
    "no_circle_value_is_incomplete": (
        "circle_indicator_year",
        "update {model} set members_with_data = members_total - 1 where rowid = "
        "(select min(rowid) from {model} where aggregation <> 'sum' and value is not null)",
    ),
    "shares_of_industry_sum_to_100": (
        "circle_indicator_year",
        "update {model} set value = value + 1, value_low = value_low + 1, "
        "value_high = value_high + 1 where rowid = (select min(rowid) from {model} "
        "where indicator_id = 'tertiary_share' and value is not null)",
    ),
    "circle_latest_is_the_sum_of_best": (
        "circle_indicator_year",
        "update {model} set value = value * 1.001, value_low = value_low * 1.001, "
        "value_high = value_high * 1.001 where rowid = (select min(rowid) from {model} "
        "where circle_id = 'GZ_PAPER9' and indicator_id = 'gdp' and vintage = 'latest' "
        "and value is not null)",
    ),
    "no_spike_is_undeclared": (
        "city_indicator_year",
        "update {model} set value = value / 10, value_low = value_low / 10, "
        "value_high = value_high / 10 where rowid = (select min(rowid) from {model} "
        "where place_code = '440100' and indicator_id = 'retail_sales' and year = 2010 "
        "and document = 'china_city_yearbook')",
    ),
}


class Built:
    """The build database in a transaction that is taken back, and dbt's tests as SQL."""

    def __init__(self, warehouse: Path, folder: Path) -> None:
        copy = folder / "build.duckdb"
        shutil.copy(warehouse / "build" / "build.duckdb", copy)
        self.connection = duckdb.connect(str(copy), config={"threads": 2})
        manifest = json.loads((warehouse / "build/dbt/manifest.json").read_text(encoding="utf-8"))
        self.nodes: dict[str, dict[str, Any]] = manifest["nodes"]
        # A later parse writes the manifest anew, without SQL; the results of the build keep it.
        ran = json.loads((warehouse / "build/dbt/run_results.json").read_text(encoding="utf-8"))
        compiled = {result["unique_id"]: result["compiled_code"] for result in ran["results"]}
        self.tests = {
            node["name"]: node
            for node in self.nodes.values()
            if node["resource_type"] == "test" and node["unique_id"] in compiled
        }
        self.sql = {name: compiled[test["unique_id"]] for name, test in self.tests.items()}

    def failing(self, node_id: str, statement: str = "") -> set[str]:
        """Tests about the model that find rows after the statement."""
        self.connection.begin()
        try:
            if statement:
                self.connection.execute(statement)
            return {
                name
                for name, test in self.tests.items()
                if node_id in test["depends_on"]["nodes"]
                and self.connection.execute(f"select exists (from ({self.sql[name]}))").fetchone()
                == (True,)
            }
        finally:
            self.connection.rollback()


@pytest.fixture(scope="module")
def built(refreshed: Refreshed, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(refreshed.warehouse, tmp_path_factory.mktemp("built"))


def corruptions(test: dict[str, Any], model: str) -> Iterator[str]:
    """Statements that a generic test forbids, one row after another."""
    kind = test["test_metadata"]["name"]
    if kind == "interval_holds":
        yield f"update {model} set value_low = value + 1 where rowid = \
            (select min(rowid) from {model} where value is not null)"
    elif kind == "primary_key":
        for offset in (0, 1, 10, 100, 1000):
            yield f"insert into {model} select * from {model} limit 1 offset {offset}"
        for column in test["test_metadata"]["kwargs"]["columns"]:
            yield f"update {model} set {column} = null where rowid = 0"
        # A table that is empty without originals has no row to spoil.
        yield f"insert into {model} default values"


def test_every_test_has_its_corruption(built: Built) -> None:
    broken: dict[str, set[str]] = {}
    for name, test in built.tests.items():
        if name in BY_HAND:
            model, statement = BY_HAND[name]
            node = next(n for n in test["depends_on"]["nodes"] if n.endswith(f".{model}"))
            tried = [statement.format(model=built.nodes[node]["relation_name"])]
        else:
            assert test["test_metadata"]["name"] in {"primary_key", "interval_holds"}, (
                f"{name} has no corruption: add it to BY_HAND"
            )
            node = test["attached_node"]
            tried = list(corruptions(test, built.nodes[node]["relation_name"]))
        assert built.failing(node) == set()
        for statement in tried:
            broken[name] = built.failing(node, statement)
            if broken[name] == {name}:
                break
    assert {name: found for name, found in broken.items() if found != {name}} == {}
    assert set(BY_HAND) <= set(built.tests)

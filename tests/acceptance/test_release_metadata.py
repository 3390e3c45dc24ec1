"""The documents of a real release: complete, in both languages, and true of its data."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import duckdb
import frictionless
import pytest

from tests.conftest import Refreshed, run_cli

# Small tables that point at one another: read as tables by the Frictionless library itself.
CLOSED = ("circle", "circle_member", "division", "document", "indicator", "unit", "snapshot")
# What nobody should lose without noticing.
HELD = """
main.city_indicator_year    indicator_id            main.indicator
main.city_indicator_year    place_code              main.division
main.city_indicator_year    document,edition        main.document
main.city_indicator_year    snapshot_id             meta.snapshot
main.circle_indicator_year  circle_id               main.circle
main.rail_city_pair_day     timetable,service_date  main.rail_service_day
main.printed_figure_check   figure_id               tidy.printed_figure
main.policy_target_progress target_id               tidy.policy_target
meta.lineage                input_fact_id           main.city_indicator_year
tidy.observation            indicator_id            main.indicator
"""


@pytest.fixture(scope="module")
def package(refreshed: Refreshed) -> dict[str, Any]:
    return json.loads((refreshed.release / "datapackage.json").read_text(encoding="utf-8"))


def test_the_frictionless_library_accepts_the_package(refreshed: Refreshed) -> None:
    report = frictionless.validate(str(refreshed.release / "datapackage.json"))
    assert report.valid, report.flatten(["type", "message"])


def test_schemas_keys_and_references_hold_for_the_library_too(
    refreshed: Refreshed, package: dict[str, Any], tmp_path: Path
) -> None:
    """As CSV: through pandas, as the library reads Parquet, integers with nulls become floats."""
    names = {name.replace("_", "-") for name in CLOSED}
    resources = [r for r in package["resources"] if r["name"].partition(".")[2] in names]
    listed = {r["name"] for r in resources}
    for resource in resources:
        source = refreshed.release / resource["path"]
        path = f"{source.stem}.csv"
        duckdb.execute(f"copy (from '{source}') to '{tmp_path / path}' (header)")
        for key in ("type", "hash", "bytes", "mediatype"):
            del resource[key]
        resource |= {"path": path, "format": "csv", "scheme": "file"}
        keys = resource["schema"].get("foreignKeys", [])
        inside = [k for k in keys if k["reference"]["resource"] in listed | {""}]
        resource["schema"]["foreignKeys"] = inside
    assert sum(len(r["schema"]["foreignKeys"]) for r in resources) >= 6
    path = tmp_path / "datapackage.json"
    path.write_text(json.dumps({"name": "some", "resources": resources}), encoding="utf-8")
    report = frictionless.validate(str(path))
    assert report.valid, report.flatten(["name", "type", "message"])[:5]


@pytest.mark.parametrize("line", HELD.strip().splitlines())
def test_the_references_readers_join_by_hold(package: dict[str, Any], line: str) -> None:
    table, columns, target = line.split()
    resource = next(r for r in package["resources"] if r["name"] == table.replace("_", "-"))
    keys = resource["schema"]["foreignKeys"]
    wanted = (columns.split(","), target.replace("_", "-"))
    assert wanted in [(key["fields"], key["reference"]["resource"]) for key in keys]


def test_every_column_has_a_unit_or_none_and_both_languages(
    refreshed: Refreshed, package: dict[str, Any]
) -> None:
    with (refreshed.release / "data_dictionary.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    listed = {(row["table"], row["column"]) for row in rows if row["column"]}
    held = {
        (r["name"].replace("-", "_"), field["name"])
        for r in package["resources"]
        for field in r["schema"]["fields"]
    }
    assert listed == held
    assert {row["table"] for row in rows} == {row["table"] for row in rows if not row["column"]}
    for row in rows:
        assert row["unit"] and row["description"], row
        assert row["中文说明"], row
        # A unit that another column holds: that column is there.
        if row["unit"].startswith("see:"):
            assert (row["table"], row["unit"].removeprefix("see:")) in listed, row
    for resource in package["resources"]:
        assert all(field["unit"] for field in resource["schema"]["fields"])


def test_every_indicator_is_defined_in_both_languages(sql: Any) -> None:
    rows = sql("select indicator_id, definition, definition_zh, name_zh, name_en from indicator")
    assert len(rows) >= 88
    for name, *texts in rows:
        assert all(texts), name
        assert re.search("[\u4e00-\u9fff]", texts[1]), name


def test_every_source_says_publisher_licence_and_how_to_cite_it(package: dict[str, Any]) -> None:
    sources = {source["title"]: source for source in package["sources"]}
    assert len(sources) >= 8
    for source in sources.values():
        assert source["publisher"] and source["licence"] and source["editions"]
        assert source["name_zh"] in source["citation"]
    assert "editions 2000-2024" in sources["china_city_yearbook"]["citation"]
    resource = next(r for r in package["resources"] if r["name"] == "main.air-city-period")
    named = {source["title"] for source in resource["sources"]}
    assert {"gd_env_bulletin", "aqistudy_37cities_2013_2017"} <= named <= sources.keys()


def test_cite_names_the_publications_behind_an_indicator_or_a_table(refreshed: Refreshed) -> None:
    said = run_cli("cite", "gdp", warehouse=refreshed.warehouse)
    assert refreshed.release.name in said.stdout
    assert (
        "《中国城市统计年鉴》(China City Statistical Yearbook), editions 2000-2024." in said.stdout
    )
    table = json.loads(
        run_cli("cite", "rail_city_pair_day", "--json", warehouse=refreshed.warehouse).stdout
    )
    assert "cr_timetable_240410" in {source["document"] for source in table["sources"]}
    wrong = run_cli("cite", "gpd", warehouse=refreshed.warehouse)
    assert (wrong.returncode, "gdp" in wrong.stderr) == (1, True)

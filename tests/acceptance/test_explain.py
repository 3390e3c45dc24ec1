"""A value is walked back to its cell, and a word is found, as a person asks for them."""

from __future__ import annotations

import json

import pytest

from pipelines import explain
from pipelines.errors import UnknownName
from tests.conftest import Refreshed, run_cli


def test_a_city_value_shows_every_vintage_down_to_the_cell(refreshed: Refreshed) -> None:
    answer = explain.explain(refreshed.release, "gdp", "广州", 2021, None)
    held = {(row["document"], row["edition"]): row for row in answer["vintages"]}
    first = held["china_city_yearbook", "2022"]
    assert (first["value_text"], first["unit_raw"], first["locator"]) == (
        "28232",
        "亿元",
        "prefecture!T209",
    )
    assert first["is_first_published"] and not first["is_latest"]
    assert first["file"] == "sources/yearbook/transcriptions/china_city_yearbook/2022.csv"
    assert held["guangdong_yearbook", "2024"]["is_latest"]
    said = explain.text(answer)
    for part in ("28,232 亿元", "prefecture!T209", "28,225.212", "2024-12-31 (assumed)"):
        assert part in said


def test_a_correction_is_shown_beside_the_printed_text(refreshed: Refreshed) -> None:
    answer = explain.explain(refreshed.release, "gdp_growth_real", "深圳", 2022, None)
    [row] = [row for row in answer["vintages"] if row["correction_id"]]
    assert (row["value_text"], row["value"]) == ("330", 3.3)
    assert row["correction_id"] in explain.text(answer)


def test_a_conversion_is_shown_and_where_its_unit_came_from(refreshed: Refreshed) -> None:
    """万元 to 亿元; and a unit that the sheet does not print but the header map knows."""
    said = explain.text(explain.explain(refreshed.release, "gdp", "佛山", 2018, None))
    assert "converted: 99,358,845 万元 x 0.0001 = 9,935.8845 亿元" in said
    said = explain.text(
        explain.explain(refreshed.release, "population_registered", "四会", 2017, None)
    )
    assert "unit: none printed; 万人 by the header map" in said


def test_a_circle_value_shows_its_members_and_its_denominator(refreshed: Refreshed) -> None:
    answer = explain.explain(
        refreshed.release, "gdp_share_of_province", "GZ_PAPER9", 2021, "first_published"
    )
    [value] = answer["values"]
    roles = [item["role"] for item in value["inputs"]]
    assert roles.count("numerator") == 9
    assert roles.count("denominator") == 1


def test_an_incomplete_circle_names_what_is_missing(refreshed: Refreshed) -> None:
    answer = explain.explain(refreshed.release, "gdp", "gz_official2023", 2022, "latest")
    assert answer["values"][0]["value"] is None
    assert {"端州区", "佛冈县"} <= {gap["place_name_zh"] for gap in answer["gaps"]}
    assert "missing: 端州区" in explain.text(answer)


@pytest.mark.parametrize(
    ("indicator", "where", "near"),
    [("gdpp", "广州", "gdp"), ("gdp", "广洲", "广州市"), ("gdp", "GZ_PAPER", "GZ_PAPER9")],
)
def test_an_unknown_name_gets_the_nearest_ones(
    refreshed: Refreshed, indicator: str, where: str, near: str
) -> None:
    with pytest.raises(UnknownName, match=near):
        explain.explain(refreshed.release, indicator, where, 2021, None)


def test_nothing_held_says_what_would_fill_it(refreshed: Refreshed) -> None:
    said = explain.text(explain.explain(refreshed.release, "gdp", "端州区", 2022, None))
    assert "no value is held" in said
    assert "Guangdong Statistical Yearbook" in said


def test_an_excluded_value_is_shown_with_the_correction_that_excludes_it(
    refreshed: Refreshed,
) -> None:
    said = explain.text(explain.explain(refreshed.release, "gdp_growth_real", "韶关", 2013, None))
    assert "excluded by ccy-2014-growth-nominal-2013" in said


@pytest.mark.parametrize("word", ["城镇化", "urbanisation"])
def test_a_word_is_found_in_both_languages(refreshed: Refreshed, word: str) -> None:
    found = explain.find(refreshed.release, word)
    assert "urbanisation_rate" in {row["indicator_id"] for row in found["indicators"]}


def test_the_command_line_answers_people_and_programs(refreshed: Refreshed) -> None:
    asked = ("explain", "gdp", "440100", "2021")
    people = run_cli(*asked, warehouse=refreshed.warehouse)
    programs = run_cli(*asked, "--json", warehouse=refreshed.warehouse)
    assert people.returncode == programs.returncode == 0
    assert json.loads(programs.stdout)["vintages"]
    wrong = run_cli("explain", "gdp", "广洲", "2021", warehouse=refreshed.warehouse)
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (1, False)
    assert "广州市" in wrong.stderr

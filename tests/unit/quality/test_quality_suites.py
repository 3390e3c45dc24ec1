"""Mutation tests of the suites: a clean lake passes, one corruption breaks exactly one rule.

A rule of the helpers in `expectations/__init__.py` says itself what it forbids, and its corruption
is derived from that (mutations.derived). Every other rule needs a line in CORRUPTIONS.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mutations import ABOUT, Bench, Change, clean_with_files, derived
from quality_lake import (
    CENSUS,
    CITIES,
    CONTRACT,
    YEARBOOK,
    Rows,
    clean,
    day,
    frame,
    observation,
    printed,
    write,
)

import expectations
from expectations import DOMAIN, Rule, Suite, broken_rows
from pipelines.quality import runner
from pipelines.quality.__main__ import main, report
from pipelines.quality.ledger import CheckResult, blocking, ledger_frame


def put(table: str, where: dict[str, Any], **values: Any) -> Change:
    """Set values in the first row that matches."""

    def change(rows: Rows) -> None:
        row = next(r for r in rows[table] if where.items() <= r.items())
        row.update(values)

    return change


def add(table: str, *new: dict[str, Any]) -> Change:
    return lambda rows: rows[table].extend(new)


def copy(table: str, where: dict[str, Any], **values: Any) -> Change:
    """Add a copy of the first row that matches, with other values."""

    def change(rows: Rows) -> None:
        row = next(r for r in rows[table] if where.items() <= r.items())
        rows[table].append(row | values)

    return change


def both(*parts: Change) -> Change:
    def change(rows: Rows) -> None:
        for part in parts:
            part(rows)

    return change


def cell(fact_id: str, /, **values: Any) -> Change:
    return put("observation", {"fact_id": fact_id}, **values)


def member(seq: int, /, **values: Any) -> Change:
    return put("circle_member", {"member_seq": seq}, **values)


def place(**values: Any) -> Change:
    return put("division", {"place_code": "440100"}, **values)


def point(iaqi: int, /, **values: Any) -> Change:
    return put("air_breakpoint", {"iaqi": iaqi}, **values)


def air_hour(**values: Any) -> Change:
    return put("air_station_hour", {"record": 1}, **values)


def air_day(**values: Any) -> Change:
    return put("air_city_day", {"fact_id": "day1"}, **values)


def rate(**values: Any) -> Change:
    return put("bulletin_city_period", {"fact_id": "aqi_rate_pct440100"}, **values)


def rank(**values: Any) -> Change:
    return put("bulletin_city_period", {"fact_id": "aqi_rank440100"}, **values)


def repeated(year: int) -> dict[str, Any]:
    """The population of 2021, printed for another year as well."""
    period = {"period_start": date(year, 1, 1), "period_end": date(year, 12, 31)}
    unit = "wan_person"
    return observation(f"pop{year}", "440100", "population_resident", "1881.06", unit, **period)


WORDS = {"status", "scope"}  # one helper makes all five
GDP, SHARE, MEAN = ({"indicator_id": name} for name in ("gdp", "gdp_share", "consumption_per_head"))
FIRST: dict[str, Any] = {}
STALE = {"telecode": "GZQ"}

# rule that breaks | the one change that breaks it
CORRUPTIONS: list[tuple[str, Change]] = [
    ("observation.fact_id_not_null", cell("old", fact_id=None)),
    (
        "observation.fact_id_unique",
        add("observation", observation("gdp440100", "440200", "retail_sales", "5.0")),
    ),
    ("observation.locator_not_null", cell("pop", locator=None)),
    ("observation.cell_held_once", cell("old", superseded_by=None)),
    ("observation.superseded_by_is_known", cell("old", superseded_by="nobody")),
    *[(f"observation.{word}_in_domain", cell("pop", **{word: "guess"})) for word in sorted(WORDS)],
    ("observation.place_code_six_digits", cell("old", place_code="4401")),
    ("observation.mapped_or_rejected", cell("pop", place_code=None)),
    ("observation.mapped_or_rejected", cell("pop", unit_id=None)),
    ("observation.mapped_or_rejected", cell("pop", scope=None)),
    ("observation.place_code_is_known", cell("pop", place_code="449999")),
    ("observation.indicator_id_is_known", cell("pop", indicator_id="populaton")),
    ("observation.unit_id_is_known", cell("pop", unit_id="wan")),
    ("observation.unit_measures_indicator", cell("pop", unit_id="percent")),
    ("observation.document_is_known", cell("pop", edition="2023")),
    ("observation.value_or_null_mark", cell("none", null_mark=None)),
    ("observation.no_value_beside_null_mark", cell("pop", null_mark="—")),
    ("observation.decimals_in_range", cell("pop", decimals=18)),
    ("observation.value_has_decimals", cell("pop", decimals=None)),
    ("observation.level_not_negative", cell("pop", value=Decimal("-1"))),
    ("observation.growth_plausible", cell("growth", value=Decimal("330.0"))),
    ("observation.period_in_order", cell("pop", period_start=date(2022, 1, 1))),
    ("observation.published_after_period", cell("pop", published_on=date(2021, 6, 30))),
    (
        "observation.edition_follows_data_year",
        cell("pop", period_start=date(1980, 1, 1), period_end=date(1980, 12, 31)),
    ),
    ("observation.industry_shares_sum_to_100", cell("s3", value=Decimal("72.0"))),
    ("observation.districts_within_whole_city", cell("gdpd", value=Decimal("100.7"))),
    ("observation.province_is_sum_of_cities", cell("gdp440000", value=Decimal("2112.0"))),
    (
        "observation.census_urban_and_rural_make_total",
        cell("c3", value=Decimal("18676607")),
    ),
    ("rejects.severity_in_domain", put("rejects", FIRST, severity="fatal")),
    ("rejects.reason_given", put("rejects", FIRST, reason=" ")),
    ("rejects.no_error_rejects", put("rejects", FIRST, severity="error")),
    ("rejects.snapshot_id_and_locator_unique", copy("rejects", FIRST, raw_text="again")),
    ("division.place_code_six_digits", put("division", {"place_code": "440200"}, place_code="4")),
    ("division.place_level_in_domain", place(place_level="town")),
    ("division.place_code_and_valid_from_unique", copy("division", {"place_code": "440100"})),
    ("division.validity_in_order", place(valid_to=date(1999, 1, 1))),
    (
        "division.validity_does_not_overlap",
        copy("division", {"place_code": "440100"}, valid_from=date(2010, 1, 1)),
    ),
    ("division.parent_is_known", place(parent_code="450000")),
    (
        "circle.circle_has_members",
        copy("circle", FIRST, circle_id="PRW", members_total=0, members_with_code=0),
    ),
    ("circle.circle_kind_in_domain", put("circle", FIRST, circle_kind="ring")),
    ("circle.circle_id_unique", copy("circle", FIRST)),
    ("circle.member_counts_agree", put("circle", FIRST, members_total=10)),
    ("circle_member.weight_in_range", member(9, coverage="part", weight=0.0)),
    ("circle_member.weight_in_range", member(9, coverage="part", weight=1.01)),
    ("circle_member.whole_member_weighs_one", member(9, weight=0.5)),
    ("circle_member.circle_id_and_member_seq_unique", member(9, member_seq=8)),
    ("circle_member.division_once_per_circle", member(9, place_code="440100")),
    (
        "circle_member.code_or_reason",
        copy("circle_member", FIRST, circle_id="PRW", member_seq=1, place_code=None),
    ),
    (
        "circle_member.paper_circle_has_nine",
        member(9, place_code=None, no_code_reason="not a division"),
    ),
    ("circle_member.place_code_is_known", member(9, place_code="445399")),
    ("unit.factor_in_range", put("unit", FIRST, factor=0.0)),
    ("unit.unit_id_unique", copy("unit", FIRST)),
    ("unit.alias_means_one_unit", put("unit", {"unit_id": "person"}, aliases="人| 万人")),
    ("indicator.aggregation_in_domain", put("indicator", GDP, aggregation="average")),
    ("indicator.ratio_has_parts", put("indicator", SHARE, denominator=None)),
    ("indicator.ratio_has_parts", put("indicator", SHARE, denominator="gdp@nation")),
    ("indicator.ratio_has_parts", put("indicator", SHARE, numerator="gpd")),
    ("indicator.weighted_mean_has_weight", put("indicator", MEAN, weight="area")),
    ("indicator.unit_is_known", put("indicator", GDP, unit="兆元")),
    ("document.redistribute_in_domain", put("document", FIRST, redistribute="maybe")),
    ("document.document_and_edition_unique", copy("document", FIRST)),
    (
        "document.dated_unless_undated",
        put("document", FIRST, published_on=None, published_on_precision="day"),
    ),
    (
        "document.assumed_date_ends_a_year",
        put("document", FIRST, published_on=date(2022, 9, 1)),
    ),
    ("place_alias.place_code_is_known", put("place_alias", FIRST, place_code="449999")),
    ("place_alias.alias_not_blank", put("place_alias", FIRST, alias="羊城 ")),
    ("city_centre.longitude_in_range", put("city_centre", FIRST, longitude=23.13)),
    ("city_centre.point_kind_in_domain", put("city_centre", FIRST, point_kind="middle")),
    (
        "rail_station.telecode_and_valid_from_unique",
        copy("rail_station", FIRST, station_name_zh="广州站"),
    ),
    ("rail_station.place_code_is_known", put("rail_station", FIRST, place_code="449900")),
    ("rail_station.county_lies_in_city", put("rail_station", FIRST, county_code="440300")),
    (
        "rail_station.place_does_not_move",
        copy(
            "rail_station",
            STALE,
            place_code="440300",
            valid_from=date(2020, 1, 1),
            valid_to=date(2021, 1, 1),
        ),
    ),
    (
        "rail_station.validity_does_not_overlap",
        copy("rail_station", FIRST, valid_from=date(2020, 1, 1)),
    ),
    ("rail_day_type.service_date_unique", copy("rail_day_type", FIRST)),
    (
        "rail_day_type.weekday_agrees",
        put("rail_day_type", {"day_type": "weekend"}, service_date=date(2024, 4, 22)),
    ),
    ("rail_day.timetable_is_known", put("rail_day", FIRST, timetable="other")),
    (
        "rail_day.service_date_is_known",
        put("rail_day", FIRST, service_date=date(2024, 4, 18)),
    ),
    ("rail_day.date_inside_window", put("rail_day", FIRST, window_last=date(2024, 4, 16))),
    ("rail_day.trains_in_range", put("rail_day", FIRST, trains=300)),
    ("rail_day.few_trains_unreadable", put("rail_day", FIRST, trains_unreadable=200)),
    ("rail_train.train_class_in_domain", put("rail_train", FIRST, train_class="X")),
    ("rail_train.origin_minute_in_range", put("rail_train", FIRST, origin_minute=1440 + 1400)),
    ("rail_train.train_runs", copy("rail_train", FIRST, train_no="6500000K1240")),
    ("rail_train.train_calls_in_guangdong", copy("rail_train", FIRST, train_no="6500000K1240")),
    (
        "rail_service.starts_in_window",
        put("rail_service", FIRST, start_date=date(2024, 4, 18)),
    ),
    ("rail_day.parts_of_the_trains", put("rail_day", FIRST, is_gap_day=True)),
    ("rail_station.guangdong_is_mapped", put("rail_station", FIRST, place_code=None)),
    ("rail_city.city_code_12306_unique", copy("rail_city", FIRST)),
    ("rail_city.guangdong_is_its_prefectures", put("rail_city", FIRST, place_code="110000")),
    ("rail_city.level_agrees_with_code", put("rail_city", FIRST, place_level="county")),
    ("rail_pair_day.date_is_held", put("rail_pair_day", FIRST, service_date=date(2024, 4, 18))),
    ("rail_pair_day.counts_agree", put("rail_pair_day", FIRST, gdc_trains=2)),
    (
        "rail_city_pair_day_national.counts_agree",
        put("rail_city_pair_day_national", FIRST, destination_code="440100"),
    ),
    ("rail_listed_train.board_has_station", put("rail_listed_train", FIRST, board_role=None)),
    ("rail_listed_pair.counts_agree", put("rail_listed_pair", FIRST, stop_lists=3)),
    ("rail_service.train_is_held", copy("rail_service", FIRST, train_no="6500000K1240")),
    ("rail_stop_time.telecode_is_known", put("rail_stop_time", FIRST, telecode="XXX")),
    ("rail_stop_time.train_is_held", put("rail_stop_time", {"stop_seq": 2}, stop_seq=3)),
    ("rail_stop_time.times_grow", put("rail_stop_time", FIRST, depart_minutes=121, depart_day=1)),
    ("rail_stop_time.day_agrees", put("rail_stop_time", {"stop_seq": 2}, arrive_day=0)),
    ("printed_figure.figure_id_unique", copy("printed_figure", FIRST)),
    ("printed_figure.place_or_reason", put("printed_figure", FIRST, circle_id="GZ_PAPER9")),
    ("printed_figure.indicator_or_reason", put("printed_figure", FIRST, unit_id=None)),
    ("printed_figure.number_unless_dash", put("printed_figure", FIRST, value=None)),
    ("printed_figure.no_sentences", put("printed_figure", FIRST, value_text="字" * 26)),
    (
        "figure_relation.figures_of_one_document",
        put("figure_relation", FIRST, input_figure_id="F9"),
    ),
    ("figure_relation.ratio_has_two_parts", put("figure_relation", FIRST, role="numerator")),
    ("policy_target.target_id_unique", copy("policy_target", FIRST)),
    ("policy_target.quantitative_has_number", put("policy_target", FIRST, value=None)),
    ("policy_target.horizon_year_in_range", put("policy_target", FIRST, horizon_year=20)),
    (
        "named_project.one_name_per_project",
        put("named_project", FIRST, project_name_zh="别的线"),
    ),
    (
        "strategic_industry.list_is_complete",
        put("strategic_industry", {"industry_seq": 2}, industry_seq=3),
    ),
    (
        "cluster_city_role.one_name_per_cluster",
        put("cluster_city_role", FIRST, cluster_zh="别的"),
    ),
    ("division_change.event_id_unique", copy("division_change", FIRST)),
    ("division_change.codes_six_digits", put("division_change", FIRST, old_codes="440112;44")),
    ("air_breakpoint.concentration_rises_with_index", point(500, concentration=Decimal(35))),
    ("air_breakpoint.line_starts_at_zero", point(0, concentration=Decimal(1))),
    (
        "air_breakpoint.validity_does_not_overlap",
        copy("air_breakpoint", {"iaqi": 0}, valid_from=date(2025, 1, 1)),
    ),
    ("air_limit.limit_value_in_range", put("air_limit", FIRST, limit_value=Decimal(0))),
    ("air_limit.six_divisors", put("air_limit", FIRST, pollutant="pm10")),
    ("air_city_day.place_code_is_known", air_day(place_code="449999")),
    ("air_city_day.resolved_or_rejected", air_day(place_code=None)),
    ("air_city_day.resolved_or_rejected", air_day(network=None)),
    ("air_city_day.day_held_once", air_day(observed_on=date(2016, 1, 2))),
    ("air_city_day.document_is_known", air_day(document="diary")),
    (
        "air_city_day.columns_hold_what_they_head",
        add("air_city_day", *(day(n, pm25_ugm3=Decimal(90 + n % 2)) for n in range(3, 31))),
    ),
    ("air_city_day.nothing_in_quarantine", air_day(quarantined="the header is wrong by one")),
    ("air_station_hour.hour_of_the_day", air_hour(hour=0)),
    ("air_station_hour.hour_held_once", air_hour(hour=2)),
    ("air_station_hour.network_is_known", air_hour(network=None)),
    ("air_station_hour.document_is_known", air_hour(document="diary")),
    ("air_station_hour.ozone_in_order", air_hour(o3_1h_ugm3=71.0)),
    (
        "air_station_hour.columns_hold_what_they_head",
        both(air_hour(co_mgm3=40.0), put("air_station_hour", {"record": 2}, co_mgm3=40.0)),
    ),
    ("air_city_day.aqi_published_in_range", air_day(aqi_published=501, grade_raw="严重污染")),
    ("air_city_day.within_breakpoints", air_day(pm25_ugm3=Decimal(501), pm10_ugm3=Decimal(502))),
    ("air_city_day.ozone_in_order", air_day(o3_1h_max_ugm3=Decimal(59))),
    ("air_city_day.pm10_holds_pm25", air_day(pm10_ugm3=Decimal(34))),
    ("air_city_day.grade_fits_index", air_day(grade_raw="良")),
    ("bulletin_city_period.resolved_or_rejected", rate(network=None)),
    ("bulletin_city_period.document_is_known", rate(document="leaflet")),
    ("bulletin_city_period.value_or_null_mark", rate(null_mark="-")),
    ("bulletin_city_period.all_cities_printed", rate(superseded_by="another")),
    ("bulletin_city_period.rank_in_range", rank(value=Decimal(22))),
    ("bulletin_city_period.rate_in_range", rate(value=Decimal("103.2"), decimals=1)),
    ("bulletin_city_period.rate_is_share_of_days", rate(value=Decimal("92.9"))),
    ("bulletin_city_period.competition_ranking", rank(value=Decimal(3))),
    (
        "bulletin_city_period.rank_follows_value",
        both(rank(value=Decimal(21)), rate(value=Decimal(100), decimals=0)),
    ),
    (
        "air_city_day.frozen_values",
        add("air_city_day", *(day(number) for number in (3, 4))),
    ),
    (
        "observation.frozen_values",
        add("observation", *(repeated(year) for year in (2017, 2018, 2019, 2020))),
    ),
    (
        "bulletin_city_period.concentration_plausible",
        add("bulletin_city_period", *(printed("pm25_ugm3", code, "501") for code in CITIES)),
    ),
    (
        "rail_station.county_code_is_known",
        put("rail_station", FIRST, county_code="449999"),
    ),
    *[
        (f"{table}.circle_id_is_known", put(table, FIRST, circle_id="ATLANTIS", place_code=None))
        for table in ("policy_target", "printed_figure")
    ],
    ("policy_target.place_or_reason", put("policy_target", FIRST, place_code=None)),
    ("policy_target.indicator_or_reason", put("policy_target", FIRST, indicator_id=None)),
    ("policy_target.no_sentences", put("policy_target", FIRST, value_text="字" * 26)),
]
# Changes that two rules must see.
ALSO = {
    # A copy of one divisor is the lack of another, and a copy.
    "air_limit.six_divisors": {
        "air_limit.standard_and_purpose_and_pollutant_and_averaging_and_valid_from_unique"
    },
    # A place behind the last is a place that nobody's number leads to.
    "bulletin_city_period.rank_in_range": {"bulletin_city_period.competition_ranking"},
    # A malformed code is an unknown one, too.
    "observation.place_code_six_digits": {"observation.place_code_is_known"},
    # A form that nobody knows is no board, and the station of one is left over.
    "rail_listed_train.form_in_domain": {"rail_listed_train.board_has_station"},
    # A second train without anything else has neither a run nor a stop.
    "rail_train.train_runs": {"rail_train.train_calls_in_guangdong"},
    "rail_train.train_calls_in_guangdong": {"rail_train.train_runs"},
    # Keys that stand for a thing: without it, or with two of it, more is wrong than the key.
    "air_breakpoint.standard_and_report_and_pollutant_and_iaqi_and_valid_from_unique": {
        "air_breakpoint.concentration_rises_with_index"
    },
    "air_city_day.fact_id_unique": {"air_city_day.day_held_once"},
    # PM2.5 above the index is above PM10 too, and above what the grade of the index allows.
    "air_city_day.columns_hold_what_they_head": {"air_city_day.pm10_holds_pm25"},
    "air_limit.standard_and_purpose_and_pollutant_and_averaging_and_valid_from_unique": {
        "air_limit.six_divisors"
    },
    "air_limit.purpose_in_domain": {"air_limit.six_divisors"},
    "bulletin_city_period.measure_in_domain": {"bulletin_city_period.all_cities_printed"},
    "circle.circle_id_not_null": {"circle.circle_has_members"},
    "circle_member.circle_id_not_null": {"circle_member.paper_circle_has_nine"},
    "circle_member.circle_id_is_known": {"circle_member.paper_circle_has_nine"},
    "observation.document_not_null": {"observation.document_is_known"},
    "observation.edition_not_null": {"observation.document_is_known"},
    "strategic_industry.document_and_place_code_and_industry_seq_unique": {
        "strategic_industry.list_is_complete"
    },
    "strategic_industry.document_is_known": {"strategic_industry.list_is_complete"},
    "strategic_industry.place_code_is_known": {"strategic_industry.list_is_complete"},
    # A city's code says its level and its province.
    "rail_city.place_code_not_null": {"rail_city.level_agrees_with_code"},
    "rail_city.place_level_in_domain": {"rail_city.level_agrees_with_code"},
    "rail_city.place_code_is_known": {
        "rail_city.level_agrees_with_code",
        "rail_city.guangdong_is_its_prefectures",
    },
    # No word outside the six grades can be the grade of an index.
    "air_city_day.grade_raw_in_domain": {"air_city_day.grade_fits_index"},
    # A county outside every list lies in no prefecture.
    "rail_station.county_code_is_known": {"rail_station.county_lies_in_city"},
    # Fewer trains in the nation than in Guangdong.
    "rail_day.trains_in_range": {"rail_day.parts_of_the_trains"},
    # A city that is filed under Beijing has another level, too.
    "rail_city.guangdong_is_its_prefectures": {"rail_city.level_agrees_with_code"},
    # The copied PRW member belongs to a circle that nobody defined.
    "circle_member.code_or_reason": {"circle_member.circle_id_is_known"},
}


def broken(results: list[CheckResult]) -> set[str]:
    return {f"{r.table_name}.{r.rule_id}" for r in results if r.status != "pass"}


def judge(lake: Path, *tables: str) -> list[CheckResult]:
    return runner.run_suites(lake, CONTRACT, 1, tables or None)


@pytest.fixture(scope="module")
def clean_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("clean"), clean())


@pytest.fixture(scope="module")
def clean_results(clean_lake: Path) -> list[CheckResult]:
    return judge(clean_lake)


def test_a_clean_lake_passes_every_rule(clean_results: list[CheckResult]) -> None:
    assert broken(clean_results) == set()
    rules = {(s.table, r.rule_id) for s in expectations.load_suites() for r in s.rules}
    assert {(r.table_name, r.rule_id) for r in clean_results} == rules
    lasting = [r for r in clean_results if not r.is_historical]
    assert ledger_frame(clean_results).height == len(lasting) < len(clean_results)


def test_every_sliced_rule_answers_for_every_slice(clean_results: list[CheckResult]) -> None:
    slices = [r.slice for r in clean_results if r.rule_id == "mapped_or_rejected"]
    assert slices == [CENSUS, YEARBOOK]
    mapped = next(r for r in clean_results if r.rule_id == "mapped_or_rejected")
    assert (mapped.observed, mapped.failing_rows) == ("0 failing of 3", 0)


def test_the_answer_is_the_same_twice(clean_lake: Path, clean_results: list[CheckResult]) -> None:
    unit = [r for r in clean_results if r.table_name == "unit"]
    assert runner.run_suites(clean_lake, CONTRACT, 2, ["unit"]) == unit


EXPLICIT: dict[str, list[Change]] = {}
for _rule, _change in CORRUPTIONS:
    EXPLICIT.setdefault(_rule, []).append(_change)
RULES = [(suite, rule) for suite in expectations.load_suites() for rule in suite.rules]


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def _id(part: Suite | Rule) -> str:
    return part.table if isinstance(part, Suite) else part.rule_id


@pytest.mark.parametrize(("suite", "rule"), RULES, ids=_id)
def test_a_corruption_breaks_this_rule_and_no_other(suite: Suite, rule: Rule, bench: Bench) -> None:
    """Every rule has a corruption: written in CORRUPTIONS, or derived from what it forbids."""
    name = f"{suite.table}.{rule.rule_id}"
    wanted = {name} | ALSO.get(name, set())
    if rule.rule_id.endswith("_six_digits") and name not in EXPLICIT:
        # What is malformed is unknown, too.
        known = f"{rule.rule_id.removesuffix('_six_digits')}_is_known"
        wanted |= {f"{suite.table}.{r.rule_id}" for r in suite.rules if r.rule_id == known}
    by_hand = EXPLICIT.get(name, [])
    for change in by_hand:
        assert {f"{suite.table}.{r}" for r in bench.failing(suite, change)} == wanted
    if by_hand:
        return
    seen = []
    for change in derived(suite, rule):
        seen.append({f"{suite.table}.{r}" for r in bench.failing(suite, change)})
        if seen[-1] == wanted:
            return
    assert seen, f"{name} has no corruption: add a line to CORRUPTIONS"
    raise AssertionError(f"{name}: expected to break {wanted}, broke {min(seen, key=len)}")


def test_no_corruption_of_a_rule_that_is_gone() -> None:
    names = {f"{suite.table}.{rule.rule_id}" for suite, rule in RULES}
    assert set(EXPLICIT) | set(ALSO) | set().union(*ALSO.values()) <= names


def spoilt(rules: Sequence[str]) -> Rows:
    """The clean rows and, beside them, every row that a corruption of the rules changes or adds."""
    rows, before = clean_with_files(), clean_with_files()
    for name in rules:
        for change in changes(name):
            after = clean_with_files()
            change(after)
            for table in rows:
                rows[table] += [row for row in after[table] if row not in before[table]]
    return rows


def in_place(rules: Sequence[str]) -> Rows:
    """One clean lake after a corruption of each of the rules."""
    rows = clean_with_files()
    for name in rules:
        changes(name)[0](rows)
    return rows


def first_alone(rules: Sequence[str]) -> Rows:
    return in_place(rules[:1])


def changes(name: str) -> list[Change]:
    suite, rule = next((s, r) for s, r in RULES if f"{s.table}.{r.rule_id}" == name)
    return EXPLICIT.get(name) or list(derived(suite, rule))[:1]


def test_great_expectations_counts_what_the_bench_counts(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule by rule, in lakes where everything is wrong: so the tests above speak for both.

    A sum that a corruption breaks may be mended by another's: such rules come in further lakes.
    """
    left = [f"{s.table}.{r.rule_id}" for s, r in RULES if r.asks not in ABOUT]
    spoil = spoilt
    while left:
        rows = spoil(left)
        for about in ABOUT:  # comes from files, and is tested with files below
            rows.pop(about)
        narrowed = [
            replace(s, rules=tuple(r for r in s.rules if f"{s.table}.{r.rule_id}" in left))
            for s in expectations.load_suites()
        ]
        asked = [suite for suite in narrowed if suite.rules]
        monkeypatch.setattr(runner, "load_suites", lambda tables, asked=asked: asked)
        by_bench = {
            f"{suite.table}.{rule_id}": count
            for suite in asked
            for rule_id, count in bench.failing(suite, partial(dict.update, **rows)).items()
        }
        by_ge: dict[str, int] = {}
        for result in judge(write(tmp_path / str(len(left)), rows)):
            if result.status != "pass":
                name = f"{result.table_name}.{result.rule_id}"
                assert result.failing_rows is not None, f"{name}: {result.observed}"
                by_ge[name] = by_ge.get(name, 0) + result.failing_rows
                assert result.status == ("warn" if result.severity == "warning" else "fail")
                assert result.samples
                assert str(tmp_path) not in result.observed
        assert by_ge == by_bench
        # Two that mend each other come one at a time.
        assert by_ge or spoil is not first_alone, f"{left[0]} is not broken by its corruption"
        left = [name for name in left if name not in by_ge]
        spoil = in_place if by_ge else first_alone


def test_only_the_slice_that_broke_is_blamed(tmp_path: Path) -> None:
    rows = clean()
    cell("pop", place_code=None)(rows)
    results = judge(write(tmp_path, rows), "observation")
    found = {r.slice: r.status for r in results if r.rule_id == "mapped_or_rejected"}
    assert found == {CENSUS: "pass", YEARBOOK: "fail"}
    assert len(blocking(results)) == 1


def test_an_unmapped_cell_in_rejects_passes(tmp_path: Path) -> None:
    rows = clean()
    cell("pop", place_code=None)(rows)
    cell("pop", line=12)(rows)
    put("rejects", FIRST, locator="L12:place")(rows)
    assert broken(judge(write(tmp_path, rows), "observation")) == set()


def test_a_preliminary_figure_may_precede_its_period(tmp_path: Path) -> None:
    rows = clean()
    cell("pop", published_on=date(2021, 6, 30), status="preliminary")(rows)
    assert broken(judge(write(tmp_path, rows), "observation")) == set()


def _extra(held: pl.DataFrame) -> pl.DataFrame:
    return held.with_columns(pl.lit("x").alias("surprise"))


SHAPES: list[Callable[[pl.DataFrame], pl.DataFrame]] = [
    _extra,
    lambda held: held.drop("note"),
    lambda held: held.with_columns(pl.col("decimals").cast(pl.Int64)),
    lambda held: held.select(["snapshot_id", "fact_id", *held.columns[2:]]),
]


def test_a_file_that_breaks_the_contract_is_named(tmp_path: Path) -> None:
    lake = write(tmp_path, clean())
    file = lake / "observation" / f"{CENSUS}.parquet"
    for number, shape in enumerate(SHAPES):
        shape(pl.read_parquet(file)).write_parquet(file.with_stem(f"shape{number}"))
    results = [r for r in judge(lake, "observation") if r.rule_id == "files_match_contract"]
    found = {r.slice: r.failing_rows for r in results if r.status == "fail"}
    assert found == {"shape0": 1, "shape1": 1, "shape2": 1, "shape3": 2}
    assert {r.slice for r in results if r.status == "pass"} == {CENSUS, YEARBOOK}


def test_lost_rows_and_moved_means_are_seen_against_the_release_in_use(tmp_path: Path) -> None:
    """Per slice; the finding stays out of the ledger, and so out of the id of the release."""
    before, rows = clean(), clean()
    for number in range(8):
        copy("division", {"place_code": "440200"}, place_code=f"44990{number}")(before)
    rows["observation"] = [row for row in rows["observation"] if row["slice"] != CENSUS]
    cell("pop", value=Decimal("1400.06"))(rows)
    release = tmp_path / "release"
    tables = {}
    for name in ("division", "observation"):
        path = f"parquet/{name}.parquet"
        (release / path).parent.mkdir(parents=True, exist_ok=True)
        frame(name, before[name]).write_parquet(release / path)
        tables[f"{CONTRACT.table(name).schema}.{name}"] = {"path": path}
    (release / "release.json").write_text(json.dumps({"tables": tables}))
    lake = write(tmp_path / "lake", rows)
    results = runner.run_suites(lake, CONTRACT, 1, ["division", "observation"], release)
    found = {(r.rule_id, r.slice): r.samples for r in results if r.is_historical and r.samples}
    assert set(found) == {
        ("rows_continue", "all"),
        ("rows_continue", CENSUS),
        ("means_continue", YEARBOOK),
    }
    assert "population_resident whole_city" in found["means_continue", YEARBOOK][0]
    assert {r.status for r in results if r.is_historical and r.samples} == {"warn"}
    assert "rows_continue" not in ledger_frame(results)["rule_id"].to_list()


@pytest.mark.parametrize("state", ["missing", "empty", "unreadable"])
def test_a_table_that_cannot_be_judged_fails(state: str, tmp_path: Path) -> None:
    lake = write(tmp_path, clean())
    file = lake / "unit" / "all.parquet"
    if state == "missing":
        file.unlink()
    elif state == "empty":
        frame("unit", []).write_parquet(file)
    else:
        file.write_bytes(b"PAR1 not really")
    results = judge(lake, "unit", "indicator")
    assert {r.status for r in results if r.table_name == "unit"} == {"fail"}
    assert {r.failing_rows for r in results if r.table_name == "unit"} == {None}
    needs = next(r for r in results if r.rule_id == "unit_is_known")
    assert needs.status == "fail" and needs.observed.startswith("needs table unit")
    assert not any(str(tmp_path) in r.observed for r in results)
    assert broken([r for r in results if r.table_name == "indicator"]) == {
        "indicator.unit_is_known"
    }


def test_no_rejects_at_all_is_a_good_state(tmp_path: Path) -> None:
    lake = write(tmp_path, {"rejects": []})
    assert broken(judge(lake, "rejects")) == set()


def test_a_rule_that_raises_fails_and_its_neighbours_do_not(
    clean_lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = (
        broken_rows("no_such_column", "x", "select nothing from {batch}", severity="warning"),
        broken_rows("cast_raises", "x", "select * from {batch} where unit_id::integer > 0"),
        Rule("no_such_class", "error", DOMAIN, "ExpectMiracles", {}, "x"),
        # Bundled by GE with the sound rules about the same table.
        Rule(
            "regex_on_number",
            "error",
            DOMAIN,
            "ExpectColumnValuesToMatchRegex",
            {"column": "factor", "regex": "("},
            "x",
        ),
    )
    sound = expectations.load_suites(["unit"])[0]
    suite = Suite("unit", (*bad, *sound.rules))
    monkeypatch.setattr(runner, "load_suites", lambda tables: [suite])
    results = {r.rule_id: r for r in judge(clean_lake)}
    assert broken(list(results.values())) == {f"unit.{rule.rule_id}" for rule in bad}
    for rule in bad:
        assert results[rule.rule_id].status == "fail"
        assert results[rule.rule_id].observed.startswith("the rule raised: ")
        assert results[rule.rule_id].failing_rows is None
    assert "nothing" in results["no_such_column"].observed
    assert "ExpectMiracles" in results["no_such_class"].observed


def _open_duckdb_files() -> list[str]:
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            links.append(str(entry.readlink()))
        except OSError:  # the descriptor of the listing itself
            continue
    return [link for link in links if "metrocircle-quality" in link or link.endswith(".duckdb")]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_nothing_stays_open(clean_lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    ask_view = runner._ask_view

    def watching(*arguments: Any) -> Any:
        answers = ask_view(*arguments)
        seen.append(_open_duckdb_files())
        return answers

    monkeypatch.setattr(runner, "_ask_view", watching)
    judge(clean_lake, "unit")
    assert any(seen), "the watch itself must see the open file during the run"
    assert _open_duckdb_files() == []


def test_importing_the_room_does_not_import_great_expectations() -> None:
    code = (
        "import sys, pipelines.quality, pipelines.quality.ledger, pipelines.quality.runner, "
        "expectations; expectations.load_suites(); "
        "sys.exit('great_expectations' in sys.modules)"
    )
    root = Path(expectations.__file__).parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    )


def test_command_exits_1_only_when_something_blocks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = clean()
    lake = write(tmp_path, rows)
    assert main([str(lake), "--table", "rejects"]) == 0
    assert "0 block a release" in capsys.readouterr().out
    put("rejects", FIRST, severity="error")(rows)
    write(tmp_path, rows)
    assert main([str(lake), "--table", "rejects"]) == 1
    assert "rejects.no_error_rejects" in capsys.readouterr().out
    with pytest.raises(SystemExit) as wrong:
        main([str(lake), "--table", "nonsense"])
    assert wrong.value.code == 2


def test_report_can_list_everything(clean_results: list[CheckResult]) -> None:
    assert len(report(clean_results, everything=True).splitlines()) == len(clean_results) + 2


def test_a_rule_says_what_it_is() -> None:
    with pytest.raises(ValueError, match="reads nothing from"):
        broken_rows("x", "y", "select 1")
    with pytest.raises(ValueError, match="severity is error or warning"):
        broken_rows("x", "y", "select * from {batch}", severity="critical")
    rule = broken_rows("x", "y", "select * from {batch}")
    with pytest.raises(ValueError, match="used twice: x"):
        Suite("unit", (rule, rule))

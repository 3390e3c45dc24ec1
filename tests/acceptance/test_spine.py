"""The numbers the first release must hold, as an analyst reads them from the released DuckDB.

Values: facts/indicator_methods (1.1, 1.2, 2.1, 5, 12) and the yearbooks' own totals.
"""

from __future__ import annotations

import pytest

CIRCLE = """
    select value, value_low, value_high, is_mixed_vintage, edition_min, edition_max, method
    from circle_indicator_year
    where circle_id = '{0}' and indicator_id = '{1}' and year = {2} and vintage = '{3}'
"""

# circle, indicator, year, vintage, value to this many decimals, mixed vintages?
SPEC = [
    ("GZ_PAPER9", "gdp", 2021, "first_published", 68089, 0, False),
    ("GZ_PAPER9", "gdp", 2021, "latest", 68199.98, 2, False),
    ("GZ_PAPER9", "gdp", 2018, "first_published", 55137.8, 1, False),
    ("GZ_PAPER9", "gdp", 2018, "latest", 53602.31, 2, False),
    ("GZ_PAPER9", "gdp", 2018, "as_of:2022", 55137.8, 1, False),
    ("GZ_PAPER9", "gdp", 2019, "first_published", 58415, 0, False),
    ("GZ_PAPER9", "gdp", 2020, "latest", 60645.61, 2, False),
    ("GZ_PAPER9", "gdp", 2023, "latest", 73296.22, 2, False),
    ("GZ_PAPER9", "population_resident", 2021, "latest", 6123.45, 10, False),
    ("GZ_PAPER9", "gdp_share_of_province", 2021, "first_published", 54.75, 2, False),
    ("GZ_PAPER9", "gdp_share_of_province", 2021, "latest", 54.68, 2, False),
    ("GZ_PAPER9", "gdp_share_of_province", 2018, "latest", 53.63, 2, False),
    ("GZ_PAPER9", "gdp_per_capita_year_end", 2021, "latest", 111375.1, 1, False),
    ("GZ_PAPER9", "gdp_per_capita_year_average", 2021, "latest", 111678.2, 1, False),
    ("GZ_PAPER9", "gdp_per_capita_year_average", 2023, "latest", 119978.9, 1, False),
    ("GZ_PAPER9", "urbanisation_rate", 2020, "latest", 81.27, 2, False),
    ("GZ_OFFICIAL2023", "urbanisation_rate", 2020, "latest", 86.24, 2, False),
    ("PRW", "urbanisation_rate", 2020, "latest", 75.07, 2, False),
    ("GF", "gdp", 2025, "latest", 45196.81, 2, False),
    ("GF", "rd_intensity", 2020, "latest", 2.97, 2, True),
    ("GF", "rd_intensity", 2022, "latest", 3.25, 2, False),
]


@pytest.mark.parametrize("spec", SPEC, ids=lambda s: f"{s[0]}-{s[1]}-{s[2]}-{s[3]}")
def test_circle_value(sql, spec) -> None:
    circle, indicator, year, vintage, expected, decimals, mixed = spec
    [(value, low, high, is_mixed, *_)] = sql(CIRCLE.format(circle, indicator, year, vintage))
    assert round(value, decimals) == expected
    assert low <= value <= high
    assert is_mixed is mixed


def test_nine_whole_numbers_give_an_interval_of_nine(sql) -> None:
    [(_, low, high, _, first, last, _)] = sql(
        CIRCLE.format("GZ_PAPER9", "gdp", 2021, "first_published")
    )
    assert (low, high, first, last) == (68084.5, 68093.5, "2022", "2022")


def test_the_denominator_of_a_share_is_named(sql) -> None:
    for vintage in ("first_published", "latest"):
        [(*_, method)] = sql(CIRCLE.format("GZ_PAPER9", "gdp_share_of_province", 2021, vintage))
        assert method == "ratio; denominator sum_of_cities"
    estimates = sql(
        "select distinct is_estimate from circle_indicator_year "
        "where indicator_id = 'gdp_share_of_province' and value is not null"
    )
    assert estimates == [(True,)]


def test_incomplete_circles_have_no_value_and_say_what_is_missing(sql) -> None:
    [(value, partial, held, total)] = sql(
        "select value, is_partial, members_with_data, members_total from circle_indicator_year "
        "where circle_id = 'GZ_OFFICIAL2023' and indicator_id = 'gdp' and year = 2022 "
        "and vintage = 'latest'"
    )
    assert (value, partial, total) == (None, True, 9)
    gaps = sql(
        "select count(*) from gap where circle_id = 'GZ_OFFICIAL2023' and indicator_id = 'gdp' "
        "and year = 2022"
    )
    assert gaps == [(total - held,)]


def test_what_a_printed_figure_needs_and_nobody_holds_is_a_gap_under_its_id(sql) -> None:
    """Every figure that no vintage answers for want of a value names the cells it wants."""
    unanswered = """
        select figure_id from printed_figure_check
        where indicator_id is not null and vintage <> 'same_document'
        group by figure_id
        having bool_and(status = 'not_computable' and reason like 'Missing under%')
    """
    [(figures, named)] = sql(
        f"select count(*), count(*) filter (where figure_id in (select needed_by from gap)) "
        f"from ({unanswered})"
    )
    assert figures == named > 150
    # None of those cells is held, and each says where it stands.
    wanted = "from gap g join printed_figure_check f on g.needed_by = f.figure_id"
    assert sql(
        f"select count(*) {wanted} join city_indicator_year c on c.place_code = g.place_code "
        "and c.indicator_id = g.indicator_id and c.year = g.year"
    ) == [(0,)]
    assert sql(
        f"select distinct g.would_be_filled_by {wanted} "
        "where g.place_code = '440100' and g.indicator_id = 'rd_personnel' and g.year = 2021"
    ) == [
        (
            "Guangdong Statistical Yearbook, chapter 19, R&D by city; the data of 2021 first stand "
            "in edition 2022",
        )
    ]


def test_a_relay_that_repeats_the_publisher_is_no_newer_vintage(sql) -> None:
    # The Greater Bay Area portal quotes the provincial bureau: same figure, no new vintage ...
    assert sql(
        "select document, edition from city_indicator_best "
        "where place_code = '440100' and indicator_id = 'gdp' and year = 2021"
    ) == [("guangdong_yearbook", "2024")]
    # ... but where it alone holds the revised figure, it is the latest one.
    assert sql(
        "select document from city_indicator_best "
        "where place_code = '440100' and indicator_id = 'gdp' and year = 2010"
    ) == [("gba_portal",)]


def test_both_vintages_of_guangzhou_2018_and_their_revision(sql) -> None:
    assert sql(
        "select from_document, to_document, round(old_value, 2), round(new_value, 2) from revision "
        "where place_code = '440100' and indicator_id = 'gdp' and year = 2018"
    ) == [("china_city_yearbook", "guangdong_yearbook", 22859.35, 21002.44)]


def test_as_of_answers_by_the_date_of_publication(sql) -> None:
    held = """
        select value from city_indicator_as_of(date '{}')
        where place_code = '440100' and indicator_id = 'gdp' and year = 2018
            and scope = 'whole_city'
    """
    assert sql(held.format("2018-12-31")) == []
    assert round(sql(held.format("2020-06-30"))[0][0], 2) == 22859.35
    assert round(sql(held.format("2025-06-30"))[0][0], 2) == 21002.44


def test_a_county_that_became_a_district_keeps_its_history(sql) -> None:
    names = sql(
        "select distinct place_name_zh from city_indicator_year "
        "where place_code in ('440184', '440117') order by 1"
    )
    assert names == [("从化区",), ("从化市",)]


def test_every_printed_value_can_be_walked_back(sql) -> None:
    assert sql(
        "select count(*) from city_indicator_year where method is null and "
        "(locator is null or snapshot_id is null or read_from is null or value_text is null)"
    ) == [(0,)]
    assert sql(
        "select count(*) from city_indicator_year c where method is null and not exists "
        "(select 1 from meta.snapshot s where s.snapshot_id = c.snapshot_id)"
    ) == [(0,)]


def test_every_made_value_names_its_inputs(sql) -> None:
    orphans = """
        select count(*) from {0} m
        where m.value is not null {1}
            and not exists (select 1 from meta.lineage l where l.fact_id = m.fact_id)
    """
    assert sql(orphans.format("circle_indicator_year", "")) == [(0,)]
    assert sql(orphans.format("city_indicator_year", "and m.method is not null")) == [(0,)]
    assert sql(orphans.format("city_indicator_best", "and m.method is not null")) == [(0,)]
    known = """
        select count(*) from meta.lineage l
        where l.input_fact_id not in (select fact_id from city_indicator_year)
            and l.input_fact_id not in (select fact_id from city_indicator_best)
    """
    assert sql(known) == [(0,)]


def test_circles_are_never_built_from_estimates_without_saying_so(sql) -> None:
    assert sql(
        "select count(*) from circle_indicator_year where is_partial and value is not null"
    ) == [(0,)]


def test_what_was_known_in_the_far_future_is_the_latest(sql) -> None:
    assert sql(
        """
        select count(*) from city_indicator_year latest
        join city_indicator_as_of(date '2999-12-31') known
            using (place_code, indicator_id, year, scope)
        where latest.is_latest and latest.fact_id <> known.fact_id
        """
    ) == [(0,)]


def test_exchanged_rows_are_given_back_to_their_places(sql) -> None:
    # Editions 2015 and 2016 exchange the rows of 增城 and 从化; 增城 is three times as large.
    assert sql(
        "select left(place_name_zh, 2), year, round(value, 2) from city_indicator_year "
        "where edition in ('2015', '2016') and document = 'china_city_yearbook' "
        "and indicator_id = 'gdp' and place_name_zh similar to '(增城|从化).*' order by all"
    ) == [
        ("从化", 2014, 317.07), ("从化", 2015, 350.27), ("增城", 2014, 1018.82),
        ("增城", 2015, 945.66),
    ]  # fmt: skip
    assert sql(
        "select count(*) > 20 from tidy.observation where correction_id like '%row-exchanged'"
    ) == [(True,)]


def test_a_share_of_the_province_never_mixes_editions(sql) -> None:
    assert sql(
        "select count(*) from circle_indicator_year where denominator like '%@province' "
        "and value is not null and is_mixed_vintage"
    ) == [(0,)]
    [(refused,)] = sql("select count(*) from circle_indicator_year where is_refused")
    assert refused > 0


def test_a_row_never_contradicts_its_parts(sql) -> None:
    assert sql(
        "select count(*) from city_year_wide where abs(gdp_density - gdp / land_area) "
        "> 0.000001 * abs(gdp_density)"
    ) == [(0,)]


def test_a_circle_keeps_the_figures_of_a_member_that_changed_its_code(sql) -> None:
    [(value, held)] = sql(
        "select value, members_with_data from circle_indicator_year where vintage = 'latest' "
        "and circle_id = 'GZ_OFFICIAL2023' and indicator_id = 'population_census' and year = 2010"
    )
    assert held == 9
    assert value > 20_000_000


def test_preliminary_values_are_named_in_circles(sql) -> None:
    assert sql(
        "select distinct is_preliminary from circle_indicator_year "
        "where circle_id = 'GF' and indicator_id = 'gdp' and year in (2024, 2025) order by 1"
    ) == [(False,), (True,)]


def test_suspicions_are_said_beside_the_value(sql) -> None:
    [(note,)] = sql(
        "select note from city_indicator_year where place_code = '440900' "
        "and indicator_id = 'patents_granted' and year = 2021"
    )
    assert "suspect" in note


def test_figures_without_the_counties_are_not_the_city(sql) -> None:
    assert sql(
        "select distinct scope from city_indicator_year where edition = '2002' "
        "and document = 'china_city_yearbook' and indicator_id = 'budget_revenue'"
    ) == [("excluding_counties",)]

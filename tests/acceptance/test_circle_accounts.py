"""Trial accounts, side-by-side comparisons, and what no table may ever hold."""

from __future__ import annotations

import pytest

# City, part of its residents and of its output that belongs to the plan's circle.
SHARES = {"441200": (0.5334, 0.7172), "441800": (0.5174, 0.6356)}


def test_parts_of_cities_by_people_and_by_output(sql) -> None:
    held = {
        city: (round(people, 4), round(output, 4))
        for city, people, output in sql("""
            select city_code, population_share, output_share from circle_trial_share
            where circle_id = 'GZ_OFFICIAL2023'
        """)
    }
    assert held == SHARES
    [(basis,)] = sql("select output_basis from circle_trial_share where city_code = '441200'")
    assert "端州区、鼎湖区 with the rest by residual" in basis


def test_trial_accounts_enclose_what_the_plan_prints(sql) -> None:
    held = {
        (indicator, method): (value, low, high, state)
        for indicator, method, value, low, high, state in sql("""
            select indicator_id, method, round(value), round(value_low), round(value_high), state
            from circle_trial_account where circle_id = 'GZ_OFFICIAL2023' and year = 2022
        """)
    }
    assert held["gdp", "population_share"][0] == 44040
    assert held["gdp", "output_share"][0] == 44783
    assert held["gdp", "range"] == (None, 44040, 44783, "bounded")
    assert held["population_resident", "population_share"][0] == 3255
    assert ("population_resident", "output_share") not in held, "people are not shared by output"
    low, high = held["gdp_per_capita_year_end", "range"][1:3]
    assert low < 137000 < high, "the plan prints 13.7 万元"
    # Two cities, 清城 and 四会 publish: a floor, never a value of the circle.
    [(floor, members, total)] = sql("""
        select value_low, members_with_data, members_total from circle_trial_account
        where method = 'published_members' and indicator_id = 'gdp' and year = 2022
    """)
    assert (round(floor, 2), members, total) == (42729.57, 4, 9)
    assert sql("""
        select distinct state, is_estimate, value is null from circle_trial_account order by state
    """) == [("bounded", True, True), ("estimated", True, False), ("observed", False, True)]


# Figure, vintage, status: what the plan prints of its circle, and what counts of divisions say.
FIGURES = [
    ("F0366", "trial_accounts", "consistent"),
    ("F0367", "trial_accounts", "consistent"),
    ("F0360", "trial_accounts", "mismatch"),
    ("F0004", "divisions", "reproduced"),
    ("F0005", "divisions", "reproduced"),
    ("F0131", "census_2020", "reproduced"),
    ("F0133", "census_2020", "mismatch"),
    ("F0139", "census_2020", "mismatch"),
    ("F0016", "none", "not_computable"),
    ("F0410", "first_published", "reproduced"),
    ("F0415", "first_published", "reproduced"),
    ("F0437", "land_area_of_2019", "consistent"),
]


@pytest.mark.parametrize(("figure", "vintage", "status"), FIGURES)
def test_further_figures(sql, figure: str, vintage: str, status: str) -> None:
    assert sql(f"""
        select status from printed_figure_check
        where figure_id = '{figure}' and vintage = '{vintage}'
    """) == [(status,)]


def test_the_reason_for_no_mean_growth_gives_the_bound(sql) -> None:
    [(reason,)] = sql("select reason from printed_figure_check where figure_id = 'F0016'")
    for word in ("2013, 2017", "1.9218", "6.49 to 8.25 %", "needs 8.6 %"):
        assert word in reason


def test_every_figure_says_why(sql) -> None:
    assert sql("select count(distinct figure_id) from printed_figure_check") == [(455,)]
    assert (
        sql("""
        select figure_id, vintage from printed_figure_check where reason is null or reason = ''
    """)
        == []
    )


def test_circles_and_comparators_side_by_side(sql) -> None:
    areas = sql("""
        select area_id, is_estimate from circle_comparison_year
        where indicator_id = 'gdp' and year = 2022 order by area_seq
    """)
    assert [area for area, _ in areas] == [
        "GZ_PAPER9", "GZ_OFFICIAL2023", "PRW", "GF", "440300", "110000", "310000", "440000",
    ]  # fmt: skip
    assert dict(areas)["GZ_OFFICIAL2023"], "the plan's circle has trial accounts only"


def test_new_indicators_of_circles(sql) -> None:
    held = dict(
        sql("""
            select indicator_id, round(value, 1) from circle_indicator_year
            where circle_id = 'GZ_PAPER9' and year = 2021 and vintage = 'latest'
                and indicator_id in ('net_population_inflow', 'resident_registered_ratio',
                    'fiscal_self_sufficiency', 'trade_total')
        """)
    )
    [(resident, registered)] = sql("""
        select max(case when indicator_id = 'population_resident' then value end),
            max(case when indicator_id = 'population_registered' then value end)
        from circle_indicator_year
        where circle_id = 'GZ_PAPER9' and year = 2021 and vintage = 'latest'
    """)
    assert held["net_population_inflow"] == pytest.approx(resident - registered, abs=0.06)
    assert resident > registered
    assert held["resident_registered_ratio"] == pytest.approx(100 * resident / registered, abs=0.06)
    assert set(held) == {
        "net_population_inflow", "resident_registered_ratio", "fiscal_self_sufficiency",
        "trade_total",
    }  # fmt: skip


# ------------------------------------------------------------------------------ refusals


def test_ranks_and_indices_have_no_circle_value(sql) -> None:
    """No average of ranks: what is declared `none` or `recompute` never gets a circle value."""
    assert (
        sql("""
        select distinct indicator_id from circle_indicator_year
        join indicator using (indicator_id)
        where indicator.aggregation in ('none', 'recompute')
    """)
        == []
    )


def test_no_table_holds_a_sum_of_circles(sql) -> None:
    """Every circle value is made of divisions: no input of one is a value of another circle."""
    assert sql("""
        select count(*) from meta.lineage
        join circle_indicator_year made on lineage.fact_id = made.fact_id
        join circle_indicator_year given on lineage.input_fact_id = given.fact_id
    """) == [(0,)]


def test_no_growth_across_vintages(sql) -> None:
    """A growth of a circle stands only in years for which every member's rate is printed."""
    grown = {
        year
        for (year,) in sql("""
            select year from circle_indicator_year
            where circle_id = 'GZ_PAPER9' and indicator_id = 'gdp_growth_real'
                and vintage = 'latest' and value is not null and year >= 2010
        """)
    }
    printed = {
        year
        for (year,) in sql("""
            select year from city_indicator_best
            where indicator_id = 'gdp_growth_real' and year >= 2010 and place_code in (
                select place_code from circle_member where circle_id = 'GZ_PAPER9')
            group by year having count(*) = 9
        """)
    }
    assert grown == printed and {2013, 2017}.isdisjoint(grown)
    # The pace of a target is taken inside one edition or not at all.
    assert sql("""
        select observed_annual_change from policy_target_progress where target_id = 'T0029'
    """) == [(None,)]


def test_nothing_mixed_is_reproduced(sql) -> None:
    assert sql("""
        select count(*) from printed_figure_check
        where status = 'reproduced' and (is_mixed_vintage or vintage = 'same_document')
    """) == [(0,)]


def test_commuting_ties_are_an_explicit_gap(sql) -> None:
    """Metro circles are delimited by commuting elsewhere; no source held measures it."""
    circles = sql("select count(*) from circle where circle_kind = 'circle'")
    assert (
        sql("""
        select count(*) from gap
        where indicator_id = 'commuting_rate' and place_code = 'none' and reason like 'No source%'
    """)
        == circles
    )

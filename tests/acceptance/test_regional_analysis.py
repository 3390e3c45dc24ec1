"""Growth, disparities, sizes, structures: worked out beforehand, and what must be refused."""

from __future__ import annotations

import pytest

# Laspeyres chain of the nine cities, first-published weights; 2018 with weights of its own year.
GROWTH = {2011: 11.23, 2012: 9.00, 2014: 8.08, 2015: 8.42, 2016: 7.99, 2018: 6.47, 2019: 6.36,
          2020: 2.23, 2021: 8.20}  # fmt: skip


def test_real_growth_of_the_paper_circle(sql) -> None:
    held = dict(
        sql("""
            select year, round(value, 2) from circle_indicator_year
            where circle_id = 'GZ_PAPER9' and indicator_id = 'gdp_growth_real'
                and vintage = 'first_published' and year between 2011 and 2021
        """)
    )
    assert held == GROWTH, "2013 prints nominal rates and 2017 is in no edition: neither is there"
    assert sql("""
        select is_estimate, method from circle_indicator_year
        where circle_id = 'GZ_PAPER9' and indicator_id = 'gdp_growth_real'
            and vintage = 'first_published' and year = 2018
    """) == [(True, "chain; weights gdp of the same year")]


def test_mean_growth_is_refused_while_years_are_missing(sql) -> None:
    """7.72 % a year for 2010-2021: not computable, but inside what the nine known years allow."""
    [(known, missing, factor, mean, low, high)] = sql("""
        select years_known, years_missing, round(known_factor, 4), mean_pct, mean_low_pct,
            mean_high_pct
        from circle_growth_span
        where circle_id = 'GZ_PAPER9' and indicator_id = 'gdp_growth_real'
            and vintage = 'first_published' and year_from = 2010 and year_to = 2021
    """)
    assert (known, missing, factor, mean) == (9, "2013, 2017", 1.9218, None)
    assert low < 7.72 < high
    assert (factor * 1.086**2) ** (1 / 11) == pytest.approx(1.0772, abs=1e-4)


# Measure, year, value (current prices, year-end population, one edition).
SPREAD = [
    ("max_min_ratio", 2018, 4.052), ("max_min_ratio", 2021, 3.322), ("max_min_ratio", 2023, 3.369),
    ("cv_n", 2018, 0.4411), ("cv_n", 2021, 0.4143), ("cv_n", 2023, 0.4164),
    ("cv_n1", 2018, 0.4678), ("cv_n1", 2021, 0.4394), ("cv_n1", 2023, 0.4416),
    ("cv_weighted", 2018, 0.3225), ("cv_weighted", 2021, 0.3270), ("cv_weighted", 2023, 0.3287),
    ("theil_t", 2018, 0.05627), ("theil_t", 2021, 0.05750), ("theil_t", 2023, 0.05818),
    ("gini_weighted", 2018, 0.17935), ("gini_weighted", 2021, 0.18355),
    ("gini_weighted", 2023, 0.18427),
]  # fmt: skip


def test_disparities_of_gdp_per_head(sql) -> None:
    held = {
        (measure, year): (value, series, mixed)
        for measure, year, value, series, mixed in sql("""
            select measure, year, value, series, is_mixed_vintage from circle_inequality_year
            where circle_id = 'GZ_PAPER9' and vintage = 'latest'
                and indicator_id = 'gdp_per_capita_year_end' and year in (2018, 2021, 2023)
        """)
    }
    for measure, year, value in SPREAD:
        digits = len(str(value).split(".")[1])
        assert round(held[measure, year][0], digits) == value, (measure, year)
        assert held[measure, year][1:] == ("guangdong_yearbook 2024", False)


def test_disparities_of_several_editions_say_so(sql) -> None:
    """No growth, chain or dispersion over time across editions: `series` is null where mixed."""
    assert sql("""
        select count(*) from circle_inequality_year
        where (series is null) <> is_mixed_vintage
    """) == [(0,)]
    assert sql("select count(*) > 0 from circle_inequality_year where is_mixed_vintage") == [
        (True,)
    ]


def test_core_and_periphery_in_both_definitions(sql) -> None:
    held = {
        row[0]: row[1:]
        for row in sql("""
            select core_id, core_members, periphery_members, round(theil_between, 5),
                round(theil_within, 5)
            from circle_core_periphery_year
            where circle_id = 'GZ_PAPER9' and indicator_id = 'gdp_per_capita_year_end'
                and year = 2021 and vintage = 'latest'
        """)
    }
    assert held["GZ_PAPER_CORE5"] == (5, 4, 0.03861, 0.01890)
    assert held["GF_CORE_OFFICIAL"][:2] == (2, 7)
    assert sql("""
        select core_members, periphery_members, round(core_value, 2) > round(periphery_value, 2)
        from circle_core_periphery_year
        where circle_id = 'GZ_OFFICIAL2023' and indicator_id = 'urbanisation_rate'
            and year = 2020 and vintage = 'latest'
    """) == [(2, 7, True)]


def test_primacy_needs_its_members(sql) -> None:
    held = dict(
        sql("""
            select measure, round(value, 3) from circle_primacy_year
            where circle_id = 'GZ_PAPER9' and indicator_id = 'gdp' and year = 2021
                and vintage = 'latest' and measure like 'primacy%'
        """)
    )
    assert held == {"primacy_2": 2.316, "primacy_4": 1.045, "primacy_11": None}


def test_city_sizes_by_the_census_are_not_those_of_the_paper(sql) -> None:
    """The paper prints 1-1-0-4-2-3-6 and 68.7 % for the two largest: neither follows."""
    counts = sql("""
        select cities from circle_city_size where circle_id = 'GZ_PAPER9' and year = 2020
        order by size_class
    """)
    assert [count for (count,) in counts] == [1, 2, 0, 3, 2, 7, 2]
    assert sql("""
        select round(100 * sum(case when place_code in ('440100', '441900')
                then population_city_proper end) / sum(population_city_proper), 1)
        from city_size_class
        where place_code in (select place_code from circle_member where circle_id = 'GZ_PAPER9')
            or parent_code in (select place_code from circle_member where circle_id = 'GZ_PAPER9')
    """) == [(56.2,)]


def test_structures_are_alike_by_construction(sql) -> None:
    [(pairs, median, lowest)] = sql("""
        select count(*), round(median(similarity), 3), round(min(similarity), 3)
        from circle_structure_pair
        where circle_id = 'GZ_PAPER9' and basis = 'three_industries' and year = 2021
            and vintage = 'first_published' and place_code_b <> 'REST'
    """)
    assert (pairs, median, lowest) == (36, 0.961, 0.833), "half of all pairs above 0.96"
    assert sql("""
        select count(*) from circle_structure_pair
        where similarity > 1.000001 or krugman_index < 0 or krugman_index > 2
    """) == [(0,)]


def test_location_quotients_lie_around_one(sql) -> None:
    """Against its own circle no industry can be above, or below, the average everywhere."""
    assert sql("""
        select count(*) from (
            select circle_id, sector, year, vintage,
                max(location_quotient) as most, min(location_quotient) as least
            from location_quotient_year where reference = 'circle' group by all
        ) where most < 1 or least > 1
    """) == [(0,)]


def test_strategic_industries_overlap(sql) -> None:
    assert sql("""
        select place_code_a, place_code_b, jaccard, overlap_coefficient
        from circle_industry_overlap order by jaccard desc limit 1
    """) == [("440100", "440700", 0.625, 1.0)]
    assert sql("select count(*) from circle_industry_overlap") == [(36,)]
    assert sql("select count(distinct (cluster_type, cluster_seq)) from industry_cluster_city") == [
        (14,)
    ]


def test_circles_overlap_and_a_sum_would_count_twice(sql) -> None:
    held = {
        (a, b): (units, round(share, 3), inside)
        for a, b, units, share, inside in sql("""
            select circle_id, other_circle_id, units_shared, share_of_circle, lies_within_other
            from circle_overlap
        """)
    }
    assert held["PRW", "GZ_PAPER9"] == (11, 0.817, False)
    assert held["GZ_OFFICIAL2023", "GZ_PAPER9"] == (23, 1.0, True)
    assert held["GZ_OFFICIAL2023", "PRW"] == (0, 0.0, False)


def test_composite_scores_show_what_they_rest_on(sql) -> None:
    assert sql("""
        select round(sum(weight_entropy), 6), round(sum(weight_equal), 6), min(city_years)
        from composite_weight where panel_id = 'C9_2018_2022'
    """) == [(1.0, 1.0, 36)]
    assert sql("""
        select count(*) from composite_score
        where rank_entropy is null or rank_equal is null
            or rank_best_without_one > rank_worst_without_one
            or coupling not between 0 and 1 or coordination not between 0 and 1
    """) == [(0,)]
    assert sql("select distinct year from composite_score order by 1") == [
        (2018,), (2019,), (2020,), (2022,),
    ]  # fmt: skip

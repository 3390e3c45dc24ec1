"""Air facts that a release must hold: the index of every golden day, every rank that is printed.

Golden set: five cities, 2016 (formats/environment, section 4). Bulletins: section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

pytestmark = pytest.mark.slow

Sql = Callable[[str], list[tuple[object, ...]]]

# city, days held, days with data, good days, primary statistics of the year
GOOD_DAYS = [
    ("440100", 366, 366, 310),
    ("440300", 366, 366, 354),
    ("440400", 366, 366, 347),
    ("310000", 366, 366, 273),
    # One day is absent and one (2016-09-06) holds zeros only: 191 good days, not 192.
    ("110000", 365, 364, 191),
]


def test_the_recomputed_index_is_the_published_one_on_every_golden_day(sql: Sql) -> None:
    assert sql(
        """
        select count(*), count(*) filter (aqi_published is not null),
            count(*) filter (aqi_matches), count(*) filter (grade_matches),
            count(*) filter (aqi_published is not null and aqi is null),
            count(*) filter (is_official)
        from air_city_day_recomputed
        where document = 'aqistudy_37cities_2013_2017' and edition = '2016'
        """
    ) == [(1829, 1828, 1828, 1828, 0, 1828)]


@pytest.mark.parametrize(("place", "held", "valid", "good"), GOOD_DAYS)
def test_good_days_of_2016(sql: Sql, place: str, held: int, valid: int, good: int) -> None:
    days = sql(f"select count(*) from air_city_day_recomputed where place_code = '{place}'")
    assert days == [(held,)]
    rate = float(round(Decimal(100 * good) / valid, 1))
    assert sql(
        f"""
        select valid_days, good_days, aqi_rate_pct from air_city_period
        where place_code = '{place}' and period_type = 'year' and basis = 'recomputed'
        """
    ) == [(valid, good, rate)]


def test_an_incomplete_year_of_one_pollutant_makes_no_composite_index(sql: Sql) -> None:
    rows = sql(
        """
        select place_code, pm10_ugm3 is null, composite_index is null, is_official
        from air_city_period where period_type = 'year' order by place_code
        """
    )
    broken = {place for place, *rest in rows if rest != [False, False, True]}
    assert broken == {"110000"}  # PM10 is absent on 15 days of Beijing, five of them in one month


def test_every_printed_rank_recomputes_from_the_printed_values(sql: Sql) -> None:
    assert sql(
        """
        select measure, count(*), count(*) filter (status = 'internally_consistent')
        from air_period_check where measure like '%rank' group by measure order by measure
        """
    ) == [("aqi_rank", 84, 84), ("composite_index_rank", 42, 42), ("pm25_rank", 84, 84)]


def test_the_province_is_the_plain_mean_of_its_cities(sql: Sql) -> None:
    assert sql(
        """
        select measure, count(*), count(*) filter (status = 'internally_consistent')
        from air_period_check where place_code = '440000' group by measure order by measure
        """
    ) == [("aqi_rate_pct", 6, 6), ("pm10_ugm3", 2, 2), ("pm25_ugm3", 6, 6)]


def test_the_delta_is_the_plain_mean_of_its_nine_cities_but_for_one_rounded_cell(sql: Sql) -> None:
    """佛山 2023-12 is printed as 90%: with 90 the mean is 94.9, with 28 of 31 days it is 95.0."""
    nine = ("440100", "440300", "440400", "440600", "440700", "441200", "441300")
    nine += ("441900", "442000")
    rows = sql(
        f"""
        select delta.edition, delta.value, delta.decimals, sum(city.value) / 9
        from tidy.bulletin_city_period as delta
        join tidy.bulletin_city_period as city
            on delta.edition = city.edition and delta.measure = city.measure
        where delta.place_raw like '珠三角%' and delta.measure = 'aqi_rate_pct'
            and city.place_code in {nine}
        group by all order by all
        """
    )
    off = [
        (edition, float(value))
        for edition, value, decimals, mean in rows
        if round(Decimal(str(mean)), 1) != value
    ]
    assert len(rows) == 6
    assert off == [("2023-12", 95.0)]


def test_every_published_row_says_network_state_and_place_in_the_bulletin(sql: Sql) -> None:
    assert sql(
        """
        select network, state, count(distinct edition), count(*), count(locator)
        from air_city_period where basis = 'published' group by all order by all
        """
    ) == [
        ("national_13fyp", "reference", 1, 22, 22),
        ("national_13fyp", "standard", 1, 22, 22),
        ("national_14fyp", "reference", 4, 88, 88),
    ]


def test_another_implementation_finds_the_same_index(sql: Sql) -> None:
    """aqi-hub 0.2.1, except where its table of sulphur dioxide is the hourly one (above 50)."""
    from aqi_hub.aqi_cn.aqi import cal_aqi_cn

    rows = sql(
        """
        select pm25_ugm3, pm10_ugm3, so2_ugm3, no2_ugm3, co_mgm3, o3_8h_ugm3, aqi
        from air_city_day_recomputed where missing_pollutants is null and so2_ugm3 <= 50
        """
    )
    assert len(rows) > 1700
    different = [row for row in rows if cal_aqi_cn(*row[:-1], "daily")[0] != row[-1]]
    assert different == []


# The paper's table 4: figure | way of checking | status | what the reason says
TABLE_4 = [
    ("F0254", "recomputed", "reproduced", "mean of 365 days"),
    ("F0270", "recomputed", "consistent", "tie"),
    ("F0256", "same_document", "internally_consistent", "323 of 365 days"),
    ("F0320", "same_document", "internally_consistent", "354 of 365 days"),
    ("F0328", "same_document", "mismatch", "344 of 365 days"),
    ("F0336", "same_document", "mismatch", "288 of 365 days"),
    ("F0344", "same_document", "mismatch", "335 of 365 days"),
    ("F0330", "same_document", "mismatch", "152 of 168"),
    ("F0331", "same_document", "internally_consistent", "147 of 168"),
    ("F0252", "recomputed", "reproduced", "counts the sections"),
    ("F0257", "none", "not_computable", "places 7 to 18 open"),
    ("F0260", "none", "not_computable", "published rank"),
    ("F0269", "none", "not_computable", "359.2 万 people"),
    ("F0325", "none", "not_computable", "equal to the printed figure of the province"),
]


@pytest.mark.parametrize(("figure", "vintage", "status", "reason"), TABLE_4)
def test_the_table_of_the_paper(
    sql: Sql, figure: str, vintage: str, status: str, reason: str
) -> None:
    found = sql(
        f"select vintage, status, reason from printed_figure_check where figure_id = '{figure}'"
    )
    assert [row[:2] for row in found] == [(vintage, status)]
    assert reason in str(found[0][2])


def test_every_cell_of_the_table_has_a_status_and_a_reason(sql: Sql) -> None:
    assert sql(
        """
        select count(distinct figure_id), count(*) filter (reason is null or reason = '')
        from printed_figure_check
        where document = 'gz_circle_paper' and locator between 'L191' and 'L204'
        """
    ) == [(106, 0)]


def test_annual_means_of_2021_against_the_paper(sql: Sql) -> None:
    """Eight of ten lie inside the printed interval, 佛山 and 中山 on a tie."""
    assert sql(
        """
        select status, is_tie, count(*) from air_reconciliation
        where recomputed_document = 'aqi_vibe_annual_means' group by all order by all
        """
    ) == [("consistent", True, 2), ("reproduced", False, 8)]


def test_what_is_not_recomputed_says_why(sql: Sql) -> None:
    assert sql(
        "select count(*) from air_reconciliation where status <> 'reproduced' and cause is null"
    ) == [(0,)]


def test_rates_of_river_sections_belong_to_their_set(sql: Sql) -> None:
    assert sql(
        """
        select section_set, sections, good_rate_pct, good_sections, is_whole_number
        from water_area_period where place_code = '440000' order by section_set
        """
    ) == [
        ("national_149", 149, 87.2, 130, True),
        ("national_71", 71, 83.1, 59, True),
        ("provincial_270", 270, 92.9, 251, False),
    ]

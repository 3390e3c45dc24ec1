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

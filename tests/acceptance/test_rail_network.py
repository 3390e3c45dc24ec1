"""The two networks of the release, counted again by plain loops over its pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import combinations
from statistics import median
from typing import Any

import pytest

pytestmark = pytest.mark.slow

Sql = Callable[[str], list[tuple[Any, ...]]]
DAYS = ("2024-04-17", "2024-05-01")


def weights(sql: Sql, day: str, region: str) -> dict[frozenset[str], int]:
    """Trains of both directions between the cities of a region."""
    inside = {row[0] for row in sql(
        "select place_code from rail_network_city_day "
        f"where region_id = '{region}' and service_date = date '{day}'"
    )}  # fmt: skip
    found: dict[frozenset[str], int] = defaultdict(int)
    for a, b, trains in sql(
        "select origin_code, destination_code, direct_trains from rail_city_pair_day "
        f"where place_level = 'prefecture' and service_date = date '{day}'"
    ):
        if {a, b} <= inside:
            found[frozenset((a, b))] += trains
    return found


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("region", ["440000", "GZ_PAPER9"])
def test_layers_and_betweenness_equal_a_plain_loop(sql: Sql, day: str, region: str) -> None:
    links = weights(sql, day, region)
    cities = sorted({city for pair in links for city in pair})
    strength = {c: sum(n for pair, n in links.items() if c in pair) for c in cities}
    order = sorted(cities, key=lambda c: (-strength[c], c))

    def strongest(city: str) -> str:
        others = [c for c in order if frozenset((c, city)) in links]
        return max(others, key=lambda c: (links[frozenset((c, city))], -order.index(c)))

    def layer(city: str) -> int:
        above = strongest(city)
        return 1 if order.index(above) > order.index(city) else min(5, 1 + layer(above))

    between = dict.fromkeys(cities, 0.0)
    for a, b in combinations(cities, 2):
        if frozenset((a, b)) not in links:
            ways = [c for c in cities if {frozenset((a, c)), frozenset((c, b))} <= set(links)]
            for city in ways:
                between[city] += 1 / len(ways)
    rows = sql(
        "select place_code, strongest_code, layer, transfer_pairs from rail_network_city_day "
        f"where region_id = '{region}' and service_date = date '{day}' and linked_cities > 0 "
        "order by place_code"
    )
    assert [row[:3] for row in rows] == [(c, strongest(c), layer(c)) for c in cities]
    assert [row[3] for row in rows] == pytest.approx([between[c] for c in cities], abs=1e-4)
    # Not everything hangs on one city, and not every change is made there.
    assert region != "440000" or (len({row[2] for row in rows}) > 2 and sum(between.values()) > 5)


def test_stability_is_the_rank_correlation_of_two_variants(sql: Sql) -> None:
    def ranks(variant: str) -> dict[tuple[str, str], int]:
        rows = sql(
            "select origin_code, destination_code from economic_link_city_pair_year where "
            f"circle_id = 'GZ_PAPER9' and year = 2021 and variant = '{variant}' "
            "order by link desc, origin_code, destination_code"
        )
        return {(a, b): n for n, (a, b) in enumerate(rows, start=1)}

    seat, centroid = ranks("gdp_seat_2"), ranks("gdp_centroid_2")
    n = len(seat)
    squares = sum((seat[pair] - centroid[pair]) ** 2 for pair in seat)
    [row] = sql(
        "select pairs, rank_correlation, is_first_the_same, largest_move "
        "from economic_link_stability where circle_id = 'GZ_PAPER9' and year = 2021 "
        "and variant = 'gdp_centroid_2' and other_variant = 'gdp_seat_2'"
    )
    assert n == row[0] == 36
    assert row[1] == pytest.approx(1 - 6 * squares / (n * (n * n - 1)))
    # The paper's first pair depends on the basis of distance, however alike the rankings are.
    assert row[2] is False and row[1] > 0.8
    assert row[3] == max(abs(seat[pair] - centroid[pair]) for pair in seat)


def test_a_ranking_of_some_of_the_pairs_is_none(sql: Sql) -> None:
    """By rail the pairs are those with a direct train; a year without a city's mass has none."""
    sizes = sql(
        "select distinct circle_id, distance_basis, pairs from economic_link_city_pair_year "
        "order by all"
    )
    assert len(sizes) == len({row[:2] for row in sizes}) == 6


def test_where_the_networks_disagree(sql: Sql) -> None:
    links = weights(sql, "2024-05-01", "GZ_PAPER9")
    rows = sql(
        "select origin_code, destination_code, trains, rail_rank, link_rank, rank_difference "
        "from network_rank_difference where circle_id = 'GZ_PAPER9' "
        "and service_date = date '2024-05-01' and variant = 'gdp_seat_2'"
    )
    assert len(rows) == 36
    for a, b, trains, rail, link, difference in rows:
        assert trains == links.get(frozenset((a, b)), 0)
        assert rail == 1 + sum(n > trains for n in links.values())
        assert difference == rail - link
    ranked = {row[:2]: row[3:5] for row in rows}
    assert ranked["440100", "440600"] == (2, 1) and ranked["440100", "441900"] == (1, 2)


def test_a_season_is_the_median_of_its_days(sql: Sql) -> None:
    days = dict(sql(
        "select cast(service_date as varchar), direct_trains from rail_city_pair_day "
        "where place_level = 'prefecture' and origin_code = '440100' "
        "and destination_code = '440300'"
    ))  # fmt: skip
    rows = sql(
        "select season_kind, season, days_counted, median_trains, season_index "
        "from rail_city_pair_season where origin_code = '440100' and destination_code = '440300' "
        "order by all"
    )
    april, may = days["2024-04-17"], days["2024-05-01"]
    middle = median([april, may])
    # Labour Day is a Wednesday and no ordinary one.
    assert rows == [
        ("month", "2024-04", 1, april, pytest.approx(april / middle)),
        ("month", "2024-05", 1, may, pytest.approx(may / middle)),
        ("weekday", "3", 1, april, 1.0),
    ]

"""Direct trains between all cities: counts that can be, of pairs that are two places.

Belongs here: what must hold of a count. Not here: the trains that were counted (rail_train).
"""

from __future__ import annotations

from expectations import (
    Suite,
    broken_rows,
    files_match_contract,
)

SUITE = Suite(
    "rail_city_pair_day_national",
    (
        files_match_contract("rail_city_pair_day_national"),
        broken_rows(
            "counts_agree",
            "a pair is two places, some of its trains are G, D or C, its times are in order",
            """
            select service_date, origin_code, destination_code, direct_trains, gdc_trains
            from {batch}
            where origin_code = destination_code or gdc_trains not between 0 and direct_trains
                or direct_trains < 1 or last_departure_minute < first_departure_minute
                or first_departure_minute < 0 or last_departure_minute > 1439
                or fastest_minutes < 0 or median_minutes < fastest_minutes
                or origin_stations < 1 or destination_stations < 1
            """,
        ),
    ),
    may_be_empty=True,
)

"""Direct trains between places of Guangdong: counts that can be, of pairs that are two places.

Belongs here: what must hold of a count. Not here: the trains that were counted (rail_train).
"""

from __future__ import annotations

from expectations import (
    Suite,
    between,
    broken_rows,
    files_match_contract,
    refers_to,
    unique,
)

SUITE = Suite(
    "rail_pair_day",
    (
        files_match_contract("rail_pair_day"),
        unique(
            "timetable",
            "edition",
            "service_date",
            "place_level",
            "origin_code",
            "destination_code",
        ),
        refers_to("origin_code", "division", "place_code"),
        refers_to("destination_code", "division", "place_code"),
        between("direct_trains", 1, 2000),
        broken_rows(
            "date_is_held",
            "every count is of a date that is held",
            """
            select t.timetable, t.edition, t.service_date from {batch} t
            where not exists (
                select 1 from rail_day d
                where d.timetable = t.timetable and d.edition = t.edition
                    and d.service_date = t.service_date)
            """,
            needs=("rail_day",),
        ),
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
)

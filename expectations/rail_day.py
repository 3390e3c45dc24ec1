"""Service dates held: inside the window of their timetable, with a plausible number of trains.

Belongs here: what must hold of a date as a whole. Not here: single trains (rail_train).
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
    "rail_day",
    (
        files_match_contract("rail_day"),
        unique("timetable", "edition", "service_date"),
        refers_to("timetable", "document", "document"),
        refers_to("service_date", "rail_day_type", "service_date"),
        broken_rows(
            "date_inside_window",
            "the service date lies in the window of its timetable",
            """
            select timetable, service_date, window_first, window_last from {batch}
            where service_date not between window_first and window_last or base_date > window_first
            """,
        ),
        between("trains", 5000, 20000),
        broken_rows(
            "parts_of_the_trains",
            "trains that touch Guangdong are some of all; a gap day is one that many skip",
            """
            select timetable, edition, service_date, trains, trains_touching_guangdong from {batch}
            where trains_touching_guangdong > trains or trains_unreadable > trains
                or trains_touching_guangdong < 0.05 * trains
                or is_gap_day <> (trains_skipping_only >= 0.005 * trains)
            """,
        ),
        broken_rows(
            "few_trains_unreadable",
            "at most one train in a hundred has no readable stops",
            """
            select service_date, trains, trains_unreadable from {batch}
            where trains_unreadable > 0.01 * trains
            """,
            severity="warning",
        ),
    ),
)

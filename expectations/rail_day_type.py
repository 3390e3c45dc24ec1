"""Types of days: one per date, a weekday where nothing else is decreed.

Belongs here: what must hold of the calendar of days off. Not here: running days of
trains (rail_train).
"""

from __future__ import annotations

from expectations import (
    Suite,
    broken_rows,
    files_match_contract,
    one_of,
    unique,
)

SUITE = Suite(
    "rail_day_type",
    (
        files_match_contract("rail_day_type"),
        unique("service_date"),
        one_of("day_type", "workday", "weekend", "makeup_workday", "public_holiday"),
        broken_rows(
            "weekday_agrees",
            "a workday is a Monday to Friday, a weekend or make-up workday a Saturday or Sunday",
            """
            select service_date, day_type from {batch}
            where (day_type = 'workday' and isodow(service_date) > 5)
                or (day_type in ('weekend', 'makeup_workday') and isodow(service_date) < 6)
            """,
        ),
    ),
)

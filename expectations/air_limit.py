"""Limits: positive, once per purpose, and six divisors of the composite index.

Belongs here: the table of limits. Not here: what is measured against them (dbt).
"""

from __future__ import annotations

from expectations import Suite, between, broken_rows, files_match_contract, one_of, unique

SUITE = Suite(
    "air_limit",
    (
        files_match_contract("air_limit"),
        unique("standard", "purpose", "pollutant", "averaging", "valid_from"),
        one_of("purpose", "class1", "class2", "composite_index"),
        between("limit_value", 0, None, above_low=True),
        broken_rows(
            "six_divisors",
            "the composite index has one divisor for each of its six pollutants",
            """
            select standard, valid_from, count(distinct pollutant) as pollutants from {batch}
            where purpose = 'composite_index' group by standard, valid_from
            having count(distinct pollutant) <> 6 or count(*) <> 6
            """,
        ),
    ),
)

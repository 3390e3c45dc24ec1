"""Breakpoints: per standard, report and pollutant a rising line from 0, one at a time.

Belongs here: the table of breakpoints. Not here: concentrations (air_city_day), the index (dbt).
"""

from __future__ import annotations

from expectations import ENGINEERING, Suite, broken_rows, files_match_contract, unique

SUITE = Suite(
    "air_breakpoint",
    (
        files_match_contract("air_breakpoint"),
        unique("standard", "report", "pollutant", "iaqi", "valid_from"),
        broken_rows(
            "concentration_rises_with_index",
            "a higher index stands at a higher concentration",
            """
            select standard, report, pollutant, iaqi, concentration from (
                select *, lag(concentration) over (
                    partition by standard, report, pollutant, valid_from order by iaqi) as before
                from {batch})
            where concentration <= before
            """,
        ),
        broken_rows(
            "line_starts_at_zero",
            "the line of a pollutant starts at index 0 and concentration 0",
            """
            select standard, report, pollutant, min(iaqi) as iaqi, min(concentration) as least
            from {batch} group by standard, report, pollutant, valid_from
            having min(iaqi) <> 0 or min(concentration) <> 0
            """,
        ),
        broken_rows(
            "validity_does_not_overlap",
            "on one day one standard alone gives the breakpoints of a pollutant",
            """
            select a.report, a.pollutant, a.iaqi, a.standard, b.standard as other
            from {batch} a join {batch} b
                on a.report = b.report and a.pollutant = b.pollutant and a.iaqi = b.iaqi
                and (a.standard, a.valid_from) < (b.standard, b.valid_from)
                and a.valid_from <= coalesce(b.valid_to, date '9999-12-31')
                and b.valid_from <= coalesce(a.valid_to, date '9999-12-31')
            """,
            owner=ENGINEERING,
        ),
    ),
)

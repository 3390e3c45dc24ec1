"""Units: one dimension and one positive factor each, and no printed form that means two of them.

Belongs here: the unit table. Not here: which unit an indicator is published in (indicator).
"""

from __future__ import annotations

from expectations import Suite, between, broken_rows, files_match_contract, not_null, unique

SUITE = Suite(
    "unit",
    (
        files_match_contract("unit"),
        not_null("unit_id"),
        unique("unit_id"),
        not_null("unit"),
        not_null("dimension"),
        not_null("factor"),
        between("factor", 0, None, above_low=True),
        broken_rows(
            "alias_means_one_unit",
            "a printed form belongs to one unit",
            """
            select alias, string_agg(unit_id, ', ' order by unit_id) as units from (
                select distinct unit_id, trim(unnest(string_split(aliases, '|'))) as alias
                from {batch})
            where alias <> ''
            group by alias
            having count(*) > 1
            """,
        ),
    ),
)

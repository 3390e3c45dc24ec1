"""Change events of divisions: identified, dated, with codes where they resolve.

Belongs here: the event table. Not here: the validity that follows from the events (division).
"""

from __future__ import annotations

from expectations import Suite, between, broken_rows, files_match_contract, not_null, unique

CODE = "[0-9]" * 6  # no quantifier: braces belong to {batch}
CODES = rf"({CODE})?(\s*[;；|]\s*({CODE})?)*"  # an empty place: a unit without a code

SUITE = Suite(
    "division_change",
    (
        files_match_contract("division_change"),
        not_null("event_id"),
        unique("event_id"),
        not_null("year"),
        between("year", 1949, 2100),
        not_null("event_type"),
        broken_rows(
            "codes_six_digits",
            "old and new codes are lists of six-digit codes, empty where a unit has none",
            f"""
            select event_id, codes from (
                select event_id, unnest([old_codes, new_codes]) as codes from {{batch}})
            where trim(codes) <> '' and not regexp_full_match(codes, '{CODES}')
            """,
            severity="warning",
        ),
    ),
)

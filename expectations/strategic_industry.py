"""Strategic industries: the list of each city is complete and in order.

Belongs here: the lists as printed. Not here: how alike they are.
"""

from __future__ import annotations

from expectations import (
    Suite,
    broken_rows,
    files_match_contract,
    not_null,
    refers_to,
    unique,
)

SUITE = Suite(
    "strategic_industry",
    (
        files_match_contract("strategic_industry"),
        unique("document", "place_code", "industry_seq"),
        not_null("industry_zh"),
        refers_to("document", "document", "document"),
        refers_to("place_code", "division", "place_code"),
        broken_rows(
            "list_is_complete",
            "the positions of a city's list run from 1 to its length",
            """
            select document, place_code, count(*) as held, max(industries_of_place) as printed
            from {batch} group by document, place_code
            having count(*) <> max(industries_of_place) or max(industry_seq) <> count(*)
            """,
        ),
    ),
)

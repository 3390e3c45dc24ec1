"""Circle definitions: each has a kind, a document and members whose counts agree.

Belongs here: the definitions. Not here: single members (circle_member).
"""

from __future__ import annotations

from expectations import Suite, broken_rows, files_match_contract, not_null, one_of, unique

SUITE = Suite(
    "circle",
    (
        files_match_contract("circle"),
        not_null("circle_id"),
        unique("circle_id"),
        not_null("circle_name_zh"),
        not_null("circle_kind"),
        one_of("circle_kind", "circle", "core", "axis", "pilot", "list"),
        not_null("document"),
        broken_rows(
            "circle_has_members",
            "every circle has at least one member",
            """
            select t.circle_id from {batch} t
            where not exists (select 1 from circle_member m where m.circle_id = t.circle_id)
            """,
        ),
        broken_rows(
            "member_counts_agree",
            "members_total and members_with_code are the counts of table circle_member",
            """
            with held as (
                select circle_id, count(*) as members, count(place_code) as coded
                from circle_member group by circle_id
            )
            select t.circle_id, t.members_total, t.members_with_code, h.members, h.coded
            from {batch} t
            join held h on h.circle_id = t.circle_id
            where h.members is distinct from t.members_total
                or h.coded is distinct from t.members_with_code
            """,
            needs=("circle_member",),
        ),
    ),
)

"""Members of circles: once each, coded or with a reason, weighted between 0 and 1.

Belongs here: what must hold of one member, and the member count of the circle a paper rests on.
Not here: the definitions themselves (circle).
"""

from __future__ import annotations

from expectations import (
    Suite,
    between,
    broken_rows,
    division_code,
    files_match_contract,
    not_null,
    one_of,
    refers_to,
    unique,
)

PAPER_CIRCLE, PAPER_MEMBERS = "GZ_PAPER9", 9

SUITE = Suite(
    "circle_member",
    (
        files_match_contract("circle_member"),
        unique("circle_id", "member_seq"),
        not_null("circle_id"),
        not_null("member_seq"),
        not_null("member_name"),
        division_code("place_code"),
        not_null("coverage"),
        one_of("coverage", "whole", "part"),
        between("weight", 0, 1, above_low=True),
        refers_to("circle_id", "circle", "circle_id"),
        refers_to("place_code", "division", "place_code"),
        broken_rows(
            "division_once_per_circle",
            "a division is a member of a circle once",
            """
            select circle_id, place_code, count(*) as times from {batch}
            where place_code is not null
            group by circle_id, place_code
            having count(*) > 1
            """,
        ),
        broken_rows(
            "code_or_reason",
            "a member without a code says why it has none",
            """
            select circle_id, member_seq, member_name from {batch}
            where place_code is null and coalesce(trim(no_code_reason), '') = ''
            """,
        ),
        broken_rows(
            "whole_member_weighs_one",
            "a division that belongs to the circle as a whole has weight 1",
            """
            select circle_id, member_seq, member_name, weight from {batch}
            where coverage = 'whole' and place_code is not null and weight is distinct from 1
            """,
        ),
        broken_rows(
            "paper_circle_has_nine",
            f"{PAPER_CIRCLE} has {PAPER_MEMBERS} members, all with a code",
            f"""
            select coded, members from (
                select count(place_code) as coded, count(*) as members
                from {{batch}} where circle_id = '{PAPER_CIRCLE}')
            where coded <> {PAPER_MEMBERS} or members <> {PAPER_MEMBERS}
            """,
        ),
    ),
)

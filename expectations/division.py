"""Administrative divisions: coded, dated without overlap, each under a parent that is held.

Belongs here: what must hold of the list of divisions. Not here: change events (division_change).
"""

from __future__ import annotations

from expectations import (
    Suite,
    broken_rows,
    division_code,
    files_match_contract,
    not_null,
    one_of,
    unique,
)

SUITE = Suite(
    "division",
    (
        files_match_contract("division"),
        not_null("place_code"),
        division_code("place_code"),
        division_code("parent_code"),
        not_null("valid_from"),
        not_null("place_name_zh"),
        not_null("place_level"),
        one_of("place_level", "province", "prefecture", "county"),
        unique("place_code", "valid_from"),
        broken_rows(
            "validity_in_order",
            "a validity starts no later than it ends",
            "select place_code, valid_from, valid_to from {batch} where valid_from > valid_to",
        ),
        broken_rows(
            "validity_does_not_overlap",
            "a code has one name and level on any day",
            """
            select a.place_code, a.valid_from, a.valid_to, b.valid_from as next_valid_from
            from {batch} a
            join {batch} b on b.place_code = a.place_code and b.valid_from > a.valid_from
            where a.valid_to is null or a.valid_to >= b.valid_from
            """,
        ),
        broken_rows(
            "parent_is_known",
            "every division below the provinces has a parent that is a division",
            """
            select t.place_code, t.place_name_zh, t.parent_code from {batch} t
            where t.place_level <> 'province'
                and not exists (select 1 from {batch} k where k.place_code = t.parent_code)
            """,
        ),
    ),
)

"""Other spellings of places: each leads to a division that is held.

Belongs here: the alias table. Not here: the matching of names (the extract rooms).
"""

from __future__ import annotations

from expectations import (
    Suite,
    broken_rows,
    division_code,
    files_match_contract,
    not_null,
    refers_to,
    unique,
)

SUITE = Suite(
    "place_alias",
    (
        files_match_contract("place_alias"),
        not_null("alias"),
        not_null("place_code"),
        division_code("place_code"),
        unique("alias", "place_code"),
        broken_rows(
            "alias_not_blank",
            "an alias has at least one character and no blanks around it",
            "select alias, place_code from {batch} where alias = '' or alias <> trim(alias)",
        ),
        refers_to("place_code", "division", "place_code"),
    ),
)

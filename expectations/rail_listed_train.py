"""Trains of undated listings: each read once, dated by its listing, of a known form.

Belongs here: what must hold of a listed train. Not here: counts of pairs (rail_listed_pair).
"""

from __future__ import annotations

from expectations import (
    Suite,
    between,
    broken_rows,
    files_match_contract,
    one_of,
    refers_to,
    unique,
)

SUITE = Suite(
    "rail_listed_train",
    (
        files_match_contract("rail_listed_train"),
        unique("snapshot_id", "locator"),
        refers_to("document", "document", "document"),
        one_of("form", "text", "workbook", "board", "codes"),
        between("depart_minute", 0, 1439),
        broken_rows(
            "board_has_station",
            "a train of a board names the station and its role there, others do not",
            """
            select document, edition, locator, form, board_station, board_role from {batch}
            where (form = 'board') <> (board_station is not null and board_role is not null)
            """,
        ),
    ),
    may_be_empty=True,
)

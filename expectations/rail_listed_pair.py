"""Pairs of cities in undated listings: the three ways to count stand in their order.

Belongs here: what must hold of a count. Not here: the trains that were listed (rail_listed_train).
"""

from __future__ import annotations

from expectations import Suite, broken_rows, files_match_contract, refers_to, unique

SUITE = Suite(
    "rail_listed_pair",
    (
        files_match_contract("rail_listed_pair"),
        unique("document", "edition", "origin_code", "destination_code"),
        refers_to("origin_code", "division", "place_code"),
        refers_to("destination_code", "division", "place_code"),
        broken_rows(
            "counts_agree",
            "a pair is two places; different stop lists <= entries <= rows of station pairs",
            """
            select document, edition, origin_code, destination_code, stop_lists, listed_trains
            from {batch}
            where origin_code = destination_code or stop_lists not between 1 and listed_trains
                or listed_trains > station_pairs or median_trains > listed_trains
            """,
        ),
    ),
    may_be_empty=True,
)

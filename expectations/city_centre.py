"""Representative points of divisions: inside China, with the datum named.

Belongs here: the point table. Not here: distances (dbt).
"""

from __future__ import annotations

from expectations import (
    Suite,
    between,
    division_code,
    files_match_contract,
    not_null,
    one_of,
    refers_to,
    unique,
)

SUITE = Suite(
    "city_centre",
    (
        files_match_contract("city_centre"),
        not_null("place_code"),
        division_code("place_code"),
        not_null("point_kind"),
        one_of("point_kind", "seat", "centroid"),
        unique("place_code", "point_kind"),
        not_null("longitude"),
        not_null("latitude"),
        # The bounds of China: a swapped pair falls outside both.
        between("longitude", 73, 136),
        between("latitude", 3, 54),
        not_null("datum"),
        refers_to("place_code", "division", "place_code"),
    ),
)

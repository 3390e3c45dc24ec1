"""Industry clusters and their cities: each role cited, under a cluster with one name.

Belongs here: what must hold of one role. Not here: the industries that cities list themselves.
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
    "cluster_city_role",
    (
        files_match_contract("cluster_city_role"),
        unique("document", "cluster_type", "cluster_seq", "place_code", "role_seq"),
        not_null("cluster_zh"),
        refers_to("document", "document", "document"),
        refers_to("place_code", "division", "place_code"),
        broken_rows(
            "one_name_per_cluster",
            "a cluster has one name",
            """
            select cluster_type, cluster_seq, count(distinct cluster_zh) as names from {batch}
            group by document, cluster_type, cluster_seq having count(distinct cluster_zh) > 1
            """,
        ),
    ),
)

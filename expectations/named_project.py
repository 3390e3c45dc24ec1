"""Named projects: each statement cited, and one name for statements that are joined.

Belongs here: what must hold of one statement. Not here: what became of the project.
"""

from __future__ import annotations

from expectations import Suite, broken_rows, files_match_contract, not_null, refers_to, unique

SUITE = Suite(
    "named_project",
    (
        files_match_contract("named_project"),
        not_null("project_id"),
        unique("project_id"),
        not_null("locator"),
        not_null("name_zh"),
        not_null("project_name_zh"),
        refers_to("document", "document", "document"),
        broken_rows(
            "one_name_per_project",
            "statements about one project give it one name",
            """
            select project_key, count(distinct project_name_zh) as names from {batch}
            where project_key is not null
            group by project_key having count(distinct project_name_zh) > 1
            """,
        ),
    ),
)

"""Checks of documents against themselves: a verdict each, and a registered document.

Belongs here: the shape of a check. Not here: whether it holds (dbt recomputes what it can).
"""

from __future__ import annotations

from expectations import Suite, files_match_contract, not_null, one_of, refers_to, unique

SUITE = Suite(
    "document_check",
    (
        files_match_contract("document_check"),
        unique("check_id"),
        not_null("what"),
        one_of("status", "pass", "rounding", "mismatch", "suspect", "info"),
        refers_to("document", "document", "document"),
    ),
)

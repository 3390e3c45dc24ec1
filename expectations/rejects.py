"""Refused cells and files: each with a reason; one of severity error stops the release.

Belongs here: the shape of a refusal and the stop. Not here: why a cell is refused (the parsers).
"""

from __future__ import annotations

from expectations import (
    ENGINEERING,
    Suite,
    broken_rows,
    files_match_contract,
    not_null,
    one_of,
    unique,
)

SUITE = Suite(
    "rejects",
    (
        files_match_contract("rejects"),
        not_null("snapshot_id"),
        not_null("locator"),
        unique("snapshot_id", "locator"),
        not_null("severity"),
        one_of("severity", "error", "warning"),
        broken_rows(
            "reason_given",
            "every refusal gives its reason",
            "select slice, snapshot_id, locator, raw_text from {batch} "
            "where coalesce(trim(reason), '') = ''",
            owner=ENGINEERING,
        ),
        broken_rows(
            "no_error_rejects",
            "nothing was refused with severity error",
            "select slice, file, locator, reason, raw_text, candidates from {batch} "
            "where severity = 'error'",
            owner=ENGINEERING,
            by_slice=True,
        ),
    ),
    may_be_empty=True,
)

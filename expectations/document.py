"""Documents and editions: registered once, dated as far as known, with terms of redistribution.

Belongs here: the register of publications. Not here: the files held of them (snapshots).
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
    "document",
    (
        files_match_contract("document"),
        not_null("document"),
        not_null("edition"),
        unique("document", "edition"),
        not_null("source_id"),
        not_null("redistribute"),
        one_of("redistribute", "yes", "facts", "no"),
        one_of("published_on_precision", "day", "month", "year", "assumed"),
        broken_rows(
            "dated_unless_undated",
            "a document that supplies values and names its edition has a publication date",
            """
            select document, edition, published_on, published_on_precision from {batch}
            where edition <> 'undated' and source_id = 'yearbook'
                and (published_on is null or published_on_precision is null)
            """,
            owner=ENGINEERING,
        ),
        broken_rows(
            "assumed_date_ends_a_year",
            "an assumed publication date is 31 December of the edition year or of a later one",
            """
            select document, edition, published_on from {batch}
            where published_on_precision = 'assumed'
                and try_cast(left(edition, 4) as integer) is not null
                and (strftime(published_on, '%m-%d') <> '12-31'
                    or year(published_on) < try_cast(left(edition, 4) as integer))
            """,
            owner=ENGINEERING,
        ),
    ),
)

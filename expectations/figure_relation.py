"""Relations between figures of one document: complete ratios and known figures.

Belongs here: the shape of a relation. Not here: whether the figures agree (dbt).
"""

from __future__ import annotations

from expectations import Suite, broken_rows, files_match_contract, not_null, one_of, unique

SUITE = Suite(
    "figure_relation",
    (
        files_match_contract("figure_relation"),
        unique("figure_id", "input_figure_id"),
        not_null("role"),
        one_of("role", "part", "minus", "numerator", "denominator"),
        broken_rows(
            "figures_of_one_document",
            "both figures are held, and one document prints them",
            """
            select t.figure_id, t.input_figure_id from {batch} t
            left join printed_figure a on a.figure_id = t.figure_id
            left join printed_figure b on b.figure_id = t.input_figure_id
            where a.document is null or b.document is null or a.document <> b.document
            """,
            needs=("printed_figure",),
        ),
        broken_rows(
            "ratio_has_two_parts",
            "a ratio has one numerator and one denominator, and no other parts",
            """
            select figure_id from {batch}
            group by figure_id
            having count(*) filter (role = 'numerator') <> count(*) filter (role = 'denominator')
                or (count(*) filter (role = 'numerator') > 0 and count(*) <> 2)
            """,
        ),
    ),
)

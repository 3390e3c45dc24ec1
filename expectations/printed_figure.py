"""Printed figures: cited, mapped or with the reason they are not, with a number unless a dash.

Belongs here: what must hold of one figure as it arrives. Not here: whether it is right (dbt).
"""

from __future__ import annotations

from expectations import (
    Suite,
    broken_rows,
    division_code,
    files_match_contract,
    not_null,
    one_of,
    refers_to,
    unique,
)

SUITE = Suite(
    "printed_figure",
    (
        files_match_contract("printed_figure"),
        not_null("figure_id"),
        unique("figure_id"),
        not_null("locator"),
        not_null("value_text"),
        one_of("comparator", "=", "~", ">", "<=", "change", "rank", "na"),
        one_of("period_basis", "printed", "inferred", "none"),
        division_code("place_code"),
        refers_to("document", "document", "document"),
        refers_to("indicator_id", "indicator", "indicator_id"),
        refers_to("unit_id", "unit", "unit_id"),
        refers_to("circle_id", "circle", "circle_id"),
        refers_to("place_code", "division", "place_code"),
        broken_rows(
            "place_or_reason",
            "a figure is about one place or one circle, or says why about neither",
            """
            select figure_id, place_raw, place_code, circle_id, place_reason from {batch}
            where (place_code is not null)::int + (circle_id is not null)::int
                + (place_reason is not null)::int <> 1
            """,
        ),
        broken_rows(
            "indicator_or_reason",
            "a figure has an indicator and a unit, or says why it has none",
            """
            select figure_id, indicator_raw, indicator_id, unit_id, indicator_reason from {batch}
            where (indicator_id is null) <> (unit_id is null)
                or (indicator_id is null) = (indicator_reason is null)
            """,
        ),
        broken_rows(
            "number_unless_dash",
            "every figure has a number, and a dash has none",
            "select figure_id, value_text, value from {batch} "
            "where (value is null) <> (comparator = 'na')",
        ),
        broken_rows(
            "no_sentences",
            "the printed text is a number with its unit, not a sentence",
            "select figure_id, value_text from {batch} where length(value_text) > 25",
        ),
    ),
)

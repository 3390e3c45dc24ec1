"""Policy targets: cited, mapped or with the reason they are not, with a number where one is set.

Belongs here: what must hold of one target as it arrives. Not here: progress (dbt).
"""

from __future__ import annotations

from expectations import (
    Suite,
    between,
    broken_rows,
    division_code,
    files_match_contract,
    not_null,
    one_of,
    refers_to,
    unique,
)

SUITE = Suite(
    "policy_target",
    (
        files_match_contract("policy_target"),
        not_null("target_id"),
        unique("target_id"),
        not_null("locator"),
        one_of("comparator", "=", "~", ">", ">=", "<=", "range", "qualitative"),
        one_of("horizon_basis", "printed", "plan_period", "none"),
        between("horizon_year", 2000, 2100),
        division_code("place_code"),
        refers_to("document", "document", "document"),
        refers_to("indicator_id", "indicator", "indicator_id"),
        refers_to("circle_id", "circle", "circle_id"),
        refers_to("place_code", "division", "place_code"),
        broken_rows(
            "place_or_reason",
            "a target is about one place or one circle, or says why about neither",
            """
            select target_id, place_raw, place_code, circle_id, place_reason from {batch}
            where (place_code is not null)::int + (circle_id is not null)::int
                + (place_reason is not null)::int <> 1
            """,
        ),
        broken_rows(
            "indicator_or_reason",
            "a target has an indicator and a unit, or says why it has none",
            """
            select target_id, indicator_raw, indicator_id, unit_id, indicator_reason from {batch}
            where (indicator_id is null) <> (unit_id is null)
                or (indicator_id is null) = (indicator_reason is null)
            """,
        ),
        broken_rows(
            "quantitative_has_number",
            "a quantitative target has a number, any other has none",
            "select target_id, value_text, value from {batch} "
            "where (value is null) = is_quantitative",
        ),
        broken_rows(
            "no_sentences",
            "the printed text is a number with its unit, not a sentence",
            "select target_id, value_text from {batch} where length(value_text) > 25",
        ),
    ),
)

"""Indicators: a unit that exists, a rule of aggregation, and the parts that rule needs.

Belongs here: the registry of indicators. Not here: whether a circle value follows the rule (dbt).
"""

from __future__ import annotations

from expectations import Suite, broken_rows, files_match_contract, not_null, one_of, unique


def _unheld(part: str) -> str:
    """SQL: the named part is no indicator; `gdp@province` is gdp of the province above."""
    return f"""(
        split_part({part}, '@', 2) not in ('', 'province')
        or not exists (
            select 1 from {{batch}} k where k.indicator_id = split_part({part}, '@', 1)))"""


SUITE = Suite(
    "indicator",
    (
        files_match_contract("indicator"),
        not_null("indicator_id"),
        unique("indicator_id"),
        not_null("name_zh"),
        not_null("name_en"),
        not_null("unit"),
        not_null("aggregation"),
        one_of(
            "aggregation",
            "sum",
            "ratio_of_sums",
            "difference",
            "sum_of_parts",
            "weighted_mean",
            "mean_of_members",
            "min",
            "max",
            "chain",
            "recompute",
            "none",
        ),
        broken_rows(
            "unit_is_known",
            "the canonical unit is a unit of table unit",
            """
            select t.indicator_id, t.unit from {batch} t
            where t.unit is not null
                and not exists (select 1 from unit u where t.unit in (u.unit_id, u.unit))
            """,
            needs=("unit",),
        ),
        broken_rows(
            "ratio_has_parts",
            "a value of two parts names both, and they are indicators",
            f"""
            select t.indicator_id, t.numerator, t.denominator from {{batch}} t
            where t.aggregation in ('ratio_of_sums', 'difference', 'sum_of_parts') and (
                t.numerator is null or t.denominator is null
                or {_unheld("t.numerator")} or {_unheld("t.denominator")})
            """,
        ),
        broken_rows(
            "weighted_mean_has_weight",
            "a weighted mean or a chain names a weight that is an indicator",
            f"""
            select t.indicator_id, t.weight from {{batch}} t
            where t.aggregation in ('weighted_mean', 'chain') and (
                t.weight is null or {_unheld("t.weight")})
            """,
        ),
    ),
)

"""Printed values of the air bulletins: mapped, dated, all cities there, ranks and rates possible.

Belongs here: what must hold of a bulletin's values as printed. Not here: whether ranks and means
follow from its other values (dbt, table air_period_check).
"""

from __future__ import annotations

from expectations import (
    ENGINEERING,
    Suite,
    broken_rows,
    division_code,
    files_match_contract,
    not_null,
    one_of,
    refers_to,
    unique,
)

GUANGDONG_CITIES = 21
MEASURES = (
    "aqi_rate_pct", "pm25_ugm3", "pm10_ugm3", "no2_ugm3", "o3_8h_p90_ugm3", "composite_index",
    "composite_index_change_pct", "pm25_rank", "no2_rank", "aqi_rank", "composite_index_rank",
    "composite_index_change_rank", "water_sections", "water_good_rate_pct",
    "water_inferior_rate_pct", "water_index", "water_index_change_pct", "water_rank",
    "valid_days",
)  # fmt: skip

SUITE = Suite(
    "bulletin_city_period",
    (
        files_match_contract("bulletin_city_period"),
        not_null("fact_id"),
        unique("fact_id"),
        not_null("snapshot_id"),
        not_null("locator"),
        one_of("measure", *MEASURES),
        one_of("source_kind", "original", "mirror", "transcription", "secondary"),
        division_code("place_code"),
        refers_to("place_code", "division", "place_code"),
        broken_rows(
            "resolved_or_rejected",
            "a value that counts has place, measure, period and network, or lies in rejects",
            """
            select t.slice, t.fact_id, t.locator, t.place_raw, t.indicator_raw from {batch} t
            where t.superseded_by is null
                and (t.place_code is null or t.measure is null or t.period_end is null
                    or coalesce(t.network, t.section_set) is null)
                and not exists (
                    select 1 from rejects r
                    where r.snapshot_id = t.snapshot_id
                        and split_part(r.locator, ':', 1) = 'L' || t.line)
            """,
            owner=ENGINEERING,
            by_slice=True,
        ),
        broken_rows(
            "document_is_known",
            "the document is registered in table document",
            """
            select distinct t.slice, t.document, t.edition from {batch} t
            where not exists (select 1 from document k where k.document = t.document)
            """,
            owner=ENGINEERING,
            needs=("document",),
        ),
        broken_rows(
            "value_or_null_mark",
            "a row holds a number, or the mark that stands in its place, and never both",
            "select slice, fact_id, locator, value_text from {batch} "
            "where (value is null) = (null_mark is null)",
            owner=ENGINEERING,
            by_slice=True,
        ),
        broken_rows(
            "all_cities_printed",
            "a measure that a bulletin prints for cities is printed for all 21 of them",
            f"""
            select slice, measure, count(distinct place_code) as cities from {{batch}} t
            where place_code <> '440000' and superseded_by is null and section_set is null
                and not exists (
                    select 1 from document k where k.document = t.document and k.relays)
            group by slice, edition, measure having count(distinct place_code) <> {GUANGDONG_CITIES}
            """,
            severity="warning",
            by_slice=True,
        ),
        broken_rows(
            "rank_in_range",
            "a rank lies between 1 and 21, and every complete ranking starts with 1",
            f"""
            select slice, fact_id, locator, measure, value_text from {{batch}}
            where ends_with(measure, '_rank') and value not between 1 and {GUANGDONG_CITIES}
            union all
            select slice, min(fact_id), min(locator), measure, cast(min(value) as varchar)
            from {{batch}} where ends_with(measure, '_rank') and value is not null
            group by slice, edition, measure, period_start, period_end
            having min(value) <> 1 and count(*) >= {GUANGDONG_CITIES}
            """,
            by_slice=True,
        ),
        # Equal values share the best place and the next place is left out (1, 1, 3): proved on all
        # 126 ranks of the six bulletins of the first release.
        broken_rows(
            "competition_ranking",
            "a rank is one more than the number of cities ranked before it",
            """
            with ranked as (
                select * from {batch}
                where ends_with(measure, '_rank') and superseded_by is null and value is not null
                    and section_set is null)
            select r.slice, r.fact_id, r.locator, r.measure, r.value_text,
                count(b.fact_id) as before
            from ranked r
            left join ranked b on b.slice = r.slice and b.edition = r.edition
                and b.measure = r.measure and b.period_start = r.period_start
                and b.period_end = r.period_end and b.value < r.value
            group by all having r.value <> count(b.fact_id) + 1
            """,
            severity="warning",
            by_slice=True,
        ),
        broken_rows(
            "rank_follows_value",
            "no city stands before one with a better printed value of the ranked measure",
            """
            with pair(measure, ranked, sign) as (values
                ('aqi_rank', 'aqi_rate_pct', -1), ('pm25_rank', 'pm25_ugm3', 1),
                ('no2_rank', 'no2_ugm3', 1), ('composite_index_rank', 'composite_index', 1)),
            held as (select * from {batch} where superseded_by is null),
            placed as (
                select r.slice, r.edition, r.measure, r.place_code, r.locator,
                    r.period_start, r.period_end, r.value as rank, v.value * pair.sign as badness
                from held r join pair on pair.measure = r.measure
                join held v on v.measure = pair.ranked and v.place_code = r.place_code
                    and v.slice = r.slice and v.edition = r.edition
                    and v.period_start = r.period_start and v.period_end = r.period_end)
            select a.slice, a.measure, a.locator, a.place_code as before,
                min(b.place_code) as behind
            from placed a join placed b on b.slice = a.slice and b.edition = a.edition
                and b.measure = a.measure and a.period_start = b.period_start
                and a.period_end = b.period_end and a.rank < b.rank and a.badness > b.badness
            group by all
            """,
            severity="warning",
            by_slice=True,
        ),
        broken_rows(
            "rate_in_range",
            "a rate of good days lies between 0 and 100 per cent",
            "select slice, fact_id, locator, value_text from {batch} "
            "where measure = 'aqi_rate_pct' and value not between 0 and 100",
            by_slice=True,
        ),
        broken_rows(
            "concentration_plausible",
            "printed concentrations lie between 1 and 500 micrograms",
            "select slice, fact_id, locator, measure, value_text from {batch} "
            "where ends_with(measure, '_ugm3') and value not between 1 and 500",
            by_slice=True,
        ),
        # A rate that is no such share means that days are missing: never multiply it by days.
        broken_rows(
            "rate_is_share_of_days",
            "the rate of a city is a whole number of days over the days of its period",
            """
            select slice, fact_id, locator, place_raw, value_text from (
                select *, period_end - period_start + 1 as days from {batch}
                where measure = 'aqi_rate_pct' and place_code <> '440000' and value is not null)
            where abs(value - round(value * days / 100.0) * 100.0 / days)
                > 0.5 * power(10, -decimals) + 1e-9
            """,
            severity="warning",
            by_slice=True,
        ),
    ),
)

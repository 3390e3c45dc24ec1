"""Printed values: keyed, dated, mapped or rejected, and adding up as far as the printer's sums do.

Belongs here: what must hold of one printed value, and of the values of one edition among
themselves. Not here: comparisons between editions (revision mart) and with canonical units (dbt).
"""

from __future__ import annotations

from expectations import (
    DOMAIN,
    ENGINEERING,
    Rule,
    Suite,
    broken_rows,
    division_code,
    files_match_contract,
    not_null,
    one_of,
    refers_to,
    unique,
)

SHARES = ("primary_share", "secondary_share", "tertiary_share")
GUANGDONG_CITIES = 21

# One additive value in the base unit of its dimension, with half its last printed place.
ADDITIVE = """
    select
        o.slice, o.document, o.edition, o.place_code, o.indicator_id, o.scope,
        o.period_start, o.period_end,
        (o.value::double * u.factor)::decimal(30, 6) as amount,
        (0.5 * power(10, -coalesce(o.decimals, 0)) * u.factor)::decimal(30, 6) as half_place
    from {batch} o
    join unit u on u.unit_id = o.unit_id
    join indicator i on i.indicator_id = o.indicator_id
    where i.aggregation = 'sum' and o.superseded_by is null and o.value is not null
"""

KEYS = (
    files_match_contract("observation"),
    not_null("fact_id"),
    unique("fact_id"),
    not_null("snapshot_id"),
    not_null("locator"),
    not_null("document"),
    not_null("edition"),
    not_null("period_start"),
    not_null("period_end"),
    broken_rows(
        "cell_held_once",
        "one row that counts per document, edition, place, indicator, period and scope",
        """
        select
            min(slice) as slice, document, edition, place_code, indicator_id,
            period_start, period_end, scope, count(*) as copies
        from {batch}
        where superseded_by is null and place_code is not null and indicator_id is not null
        group by document, edition, place_code, indicator_id, period_start, period_end, scope
        having count(*) > 1
        """,
        owner=ENGINEERING,
        by_slice=True,
    ),
    broken_rows(
        "superseded_by_is_known",
        "superseded_by names another row that is held, or says that a correction excludes the row",
        """
        select t.slice, t.fact_id, t.superseded_by from {batch} t
        where t.superseded_by = t.fact_id or (
            t.superseded_by is not null
            and not (t.superseded_by = 'excluded' and t.correction_id is not null)
            and not exists (select 1 from {batch} k where k.fact_id = t.superseded_by))
        """,
        owner=ENGINEERING,
    ),
)

DOMAINS = (
    one_of("source_kind", "original", "mirror", "transcription", "secondary"),
    one_of("status", "preliminary", "final", "revised", "unknown"),
    one_of("published_on_precision", "day", "month", "year", "assumed"),
    one_of("period_type", "year", "month", "day", "moment"),
    one_of(
        "scope",
        "whole_city",
        "districts",
        "excluding_counties",
        "county",
        "province",
        owner=DOMAIN,
    ),
    division_code("place_code"),
)

MAPPING = (
    broken_rows(
        "mapped_or_rejected",
        "a row that counts and has an indicator has place, unit and scope, or lies in rejects",
        """
        select t.slice, t.fact_id, t.locator, t.place_raw, t.unit_raw, t.scope_raw
        from {batch} t
        where t.superseded_by is null and t.indicator_id is not null
            and (t.place_code is null or t.unit_id is null or t.scope is null)
            and not exists (
                select 1 from rejects r
                where r.snapshot_id = t.snapshot_id
                    -- A transcription's row is named by its line, a workbook's by its cell.
                    and starts_with(r.locator, coalesce('L' || t.line, t.locator) || ':'))
        """,
        owner=ENGINEERING,
        by_slice=True,
    ),
    refers_to("place_code", "division", "place_code"),
    refers_to("indicator_id", "indicator", "indicator_id"),
    refers_to("unit_id", "unit", "unit_id"),
    broken_rows(
        "document_is_known",
        "document and edition are registered in table document",
        """
        select distinct t.slice, t.document, t.edition from {batch} t
        where not exists (
            select 1 from document k where k.document = t.document and k.edition = t.edition)
        """,
        owner=ENGINEERING,
        needs=("document",),
    ),
    broken_rows(
        "unit_measures_indicator",
        "the printed unit has the dimension of the indicator's own unit",
        """
        select t.slice, t.fact_id, t.indicator_id, t.unit_id, i.unit as canonical_unit
        from {batch} t
        join indicator i on i.indicator_id = t.indicator_id
        join unit u on u.unit_id = t.unit_id
        where t.superseded_by is null
            and not exists (
                select 1 from unit c
                where i.unit in (c.unit_id, c.unit) and c.dimension = u.dimension)
        """,
        needs=("indicator", "unit"),
    ),
)

VALUES = (
    broken_rows(
        "value_or_null_mark",
        "a row without a number says which mark stood in its place",
        "select slice, fact_id, locator, value_text from {batch} "
        "where value is null and null_mark is null",
        owner=ENGINEERING,
        by_slice=True,
    ),
    broken_rows(
        "no_value_beside_null_mark",
        "a row with a null mark holds no number",
        "select slice, fact_id, locator, value_text, null_mark from {batch} "
        "where value is not null and null_mark is not null",
        owner=ENGINEERING,
        by_slice=True,
    ),
    # Spreadsheets store doubles: 16 decimals do occur. More is a parsing fault.
    Rule(
        "decimals_in_range",
        "error",
        ENGINEERING,
        "ExpectColumnValuesToBeBetween",
        {"column": "decimals", "min_value": 0, "max_value": 17},
        "decimals lies between 0 and 17",
    ),
    broken_rows(
        "value_has_decimals",
        "a number says to how many decimals it was printed: its rounding interval rests on that",
        "select slice, fact_id, locator, value_text from {batch} "
        "where value is not null and decimals is null",
        severity="warning",
        owner=ENGINEERING,
    ),
    broken_rows(
        "level_not_negative",
        "gdp, population, land area and retail sales are never negative",
        """
        select slice, fact_id, locator, indicator_id, value_text from {batch}
        where value < 0 and superseded_by is null and (
            indicator_id in ('gdp', 'land_area', 'retail_sales')
            or (starts_with(indicator_id, 'population_')
                and not regexp_matches(indicator_id, 'growth|increase|change|inflow')))
        """,
        by_slice=True,
    ),
    broken_rows(
        "growth_plausible",
        "printed growth rates lie between -40 and 60 per cent",
        """
        select slice, fact_id, locator, place_raw, indicator_id, value_text from {batch}
        where contains(indicator_id, 'growth') and superseded_by is null
            and value not between -40 and 60
        """,
        severity="warning",
        by_slice=True,
    ),
)

FROZEN = (
    # Areas rarely change; levels and rates do, and a column copied from last year shows like this.
    broken_rows(
        "frozen_values",
        "no number but an area is printed alike for four years running in one document",
        """
        with yearly as (
            select *, year(period_end) as data_year from {batch}
            where period_type = 'year' and superseded_by is null and value is not null
                and value <> 0 and place_code is not null and indicator_id is not null
                and not contains(indicator_id, 'area')
            qualify row_number() over (
                partition by document, place_code, indicator_id, scope, unit_id, year(period_end)
                order by edition desc, fact_id) = 1)
        select slice, fact_id, locator, place_raw, indicator_id, data_year, value_text from (
            select *, lag(value) over years as one, lag(value, 2) over years as two,
                lag(value, 3) over years as three, lag(data_year, 3) over years as first_year
            from yearly
            window years as (
                partition by document, place_code, indicator_id, scope, unit_id
                order by data_year))
        where value = one and value = two and value = three and first_year = data_year - 3
        """,
        severity="warning",
        by_slice=True,
    ),
)

DATES = (
    broken_rows(
        "period_in_order",
        "a period starts no later than it ends",
        "select slice, fact_id, locator, period_start, period_end from {batch} "
        "where period_start > period_end",
        owner=ENGINEERING,
    ),
    broken_rows(
        "published_after_period",
        "nothing but a preliminary figure is published before its period ends",
        """
        select slice, fact_id, document, edition, period_end, published_on, status from {batch}
        where published_on < period_end and status is distinct from 'preliminary'
        """,
    ),
    broken_rows(
        "edition_follows_data_year",
        "an edition appears in the data year or at most 30 years later",
        """
        select slice, fact_id, document, edition, period_end from {batch}
        where try_cast(left(edition, 4) as integer)
            not between year(period_end) and year(period_end) + 30
        """,
    ),
)

SUMS = (
    broken_rows(
        "industry_shares_sum_to_100",
        "the three industry shares of a whole city sum to 100 within 0.35",
        f"""
        select slice, document, edition, place_code, period_end, sum(value) as total
        from {{batch}}
        where indicator_id in {SHARES} and scope = 'whole_city'
            and superseded_by is null and value is not null
        group by slice, document, edition, place_code, period_start, period_end
        having count(distinct indicator_id) = 3 and count(*) = 3
            and abs(sum(value) - 100) > 0.35
        """,
        severity="warning",
        by_slice=True,
    ),
    broken_rows(
        "districts_within_whole_city",
        "the districts hold no more of an additive indicator than the whole city",
        f"""
        with additive as ({ADDITIVE})
        select
            d.slice, d.document, d.edition, d.place_code, d.indicator_id, d.period_end,
            d.amount as districts, w.amount as whole_city
        from additive d
        join additive w using (
            document, edition, place_code, indicator_id, period_start, period_end)
        where d.scope = 'districts' and w.scope = 'whole_city'
            and d.amount - d.half_place > w.amount + w.half_place
        """,
        severity="warning",
        by_slice=True,
        needs=("indicator", "unit"),
    ),
    # Before the census revisions the cities' first-published GDP does not add up to the province:
    # that is a fact about the yearbooks, so this rule warns.
    broken_rows(
        "province_is_sum_of_cities",
        "Guangdong equals the sum of its 21 cities within rounding, where an edition has them all",
        f"""
        with additive as ({ADDITIVE}),
        cities as (
            select
                document, edition, indicator_id, period_start, period_end,
                sum(amount) as amount, sum(half_place) as half_place
            from additive
            where scope = 'whole_city' and place_code like '44__00' and place_code <> '440000'
            group by document, edition, indicator_id, period_start, period_end
            having count(distinct place_code) = {GUANGDONG_CITIES}
                and count(*) = {GUANGDONG_CITIES}
        )
        select
            p.slice, p.document, p.edition, p.indicator_id, p.period_end,
            p.amount as province, c.amount as sum_of_cities
        from additive p
        join cities c using (document, edition, indicator_id, period_start, period_end)
        where p.place_code = '440000' and p.scope = 'province'
            and abs(p.amount - c.amount) > p.half_place + c.half_place
        """,
        severity="warning",
        by_slice=True,
        needs=("indicator", "unit"),
    ),
    # Known faults of the held 2010 file: 东莞 and 中山.
    broken_rows(
        "census_urban_and_rural_make_total",
        "in a census, urban and rural population make the total within 1",
        """
        select
            min(slice) as slice, document, edition, place_code, scope, period_end,
            sum(value) filter (indicator_id = 'population_census_urban') as urban,
            sum(value) filter (indicator_id = 'population_census_rural') as rural,
            sum(value) filter (indicator_id = 'population_census') as total
        from {batch}
        where superseded_by is null and value is not null and indicator_id in (
            'population_census', 'population_census_urban', 'population_census_rural')
        group by document, edition, place_code, scope, period_start, period_end, unit_id
        having count(*) = 3 and count(distinct indicator_id) = 3
            and abs(urban + rural - total) > 1
        """,
        severity="warning",
        by_slice=True,
    ),
)

SUITE = Suite("observation", (*KEYS, *DOMAINS, *MAPPING, *VALUES, *FROZEN, *DATES, *SUMS))

-- Every value of every cell with its place in the order of vintages.
-- A cell is (place, indicator, year, scope); vintages are ordered by the rules of macros/vintage.sql.
with base as (
    select * from {{ ref('int_indicator__base') }}
),

derived as (
    select
        fact_id,
        cast(null as varchar(16)) as snapshot_id,
        cast(null as varchar(100)) as locator,
        'secondary' as source_kind,
        document,
        edition,
        published_on,
        published_on_precision,
        place_code,
        indicator_id,
        data_year,
        scope,
        status,
        unit,
        cast(null as double) as value_raw,
        cast(null as varchar(20)) as unit_raw,
        cast(null as varchar(100)) as value_text,
        cast(null as integer) as decimals,
        cast(null as varchar(100)) as correction_id,
        cast(null as varchar(500)) as note,
        cast(null as varchar(300)) as read_from,
        cast(null as varchar(12)) as read_sha256,
        cast(null as varchar(100)) as read_locator,
        value,
        value_low,
        value_high,
        is_estimate,
        method
    from {{ ref('int_indicator__ratio') }}
),

unioned as (
    select * from base
    union all
    select * from derived
),

documented as (
    select
        unioned.*,
        document.precedence,
        document.relays,
        {{ edition_year('unioned.edition') }} as edition_year
    from unioned
    inner join {{ ref('stg_registry__document') }} as document
        on unioned.document = document.document
        and unioned.edition = document.edition
),

publisher_newest as (
    select
        place_code,
        indicator_id,
        data_year,
        scope,
        value_low as publisher_low,
        value_high as publisher_high,
        row_number() over (
            partition by place_code, indicator_id, data_year, scope
            order by published_on desc, precedence asc, document asc, edition desc
        ) as recency
    from documented
    where not relays and published_on is not null
),

compared as (
    select
        documented.*,
        coalesce(
            documented.relays
            and documented.value_low <= publisher_newest.publisher_high
            and documented.value_high >= publisher_newest.publisher_low,
            false
        ) as is_repeat
    from documented
    left join publisher_newest
        on documented.place_code = publisher_newest.place_code
        and documented.indicator_id = publisher_newest.indicator_id
        and documented.data_year = publisher_newest.data_year
        and documented.scope = publisher_newest.scope
        and publisher_newest.recency = 1
),

ordered as (
    select
        *,
        row_number() over (
            partition by place_code, indicator_id, data_year, scope
            order by case when published_on is null then 1 else 0 end, {{ newest_first() }}
        ) as recency,
        row_number() over (
            partition by place_code, indicator_id, data_year, scope
            order by case when published_on is null then 1 else 0 end, {{ oldest_first() }}
        ) as seniority
    from compared
)

select
    *,
    published_on is not null and recency = 1 as is_latest,
    published_on is not null and seniority = 1 as is_first_held,
    coalesce(
        published_on is not null and seniority = 1 and edition_year <= data_year + 1, false
    ) as is_first_published
from ordered

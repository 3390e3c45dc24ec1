-- One value per cell under each vintage policy, whole places only.
with vintages as (
    select vintages.*
    from {{ ref('int_indicator__vintages') }} as vintages
    where
        vintages.published_on is not null
        and {{ is_whole('vintages') }}
),

policy as (
    select * from {{ ref('vintage_policy') }}
),

eligible as (
    select
        policy.vintage,
        vintages.place_code,
        vintages.indicator_id,
        vintages.data_year as year,
        vintages.scope,
        vintages.document,
        vintages.edition,
        vintages.published_on,
        vintages.published_on_precision,
        vintages.precedence,
        vintages.unit,
        vintages.value,
        vintages.value_low,
        vintages.value_high,
        vintages.status,
        vintages.source_kind,
        vintages.is_estimate,
        vintages.method,
        vintages.fact_id,
        vintages.is_repeat
    from vintages
    inner join policy
        on (policy.kind = 'latest' and vintages.is_latest)
        or (policy.kind = 'first' and vintages.is_first_published)
        or (policy.kind = 'as_of' and vintages.published_on <= policy.as_of_date)
),

chosen as (
    select
        *,
        -- A place has one whole scope; should two be held, the same order decides every time.
        row_number() over (
            partition by vintage, place_code, indicator_id, year
            order by {{ newest_first() }}, scope
        ) as choice
    from eligible
)

select
    vintage,
    place_code,
    indicator_id,
    year,
    scope,
    document,
    edition,
    published_on_precision,
    published_on,
    unit,
    value,
    value_low,
    value_high,
    status,
    source_kind,
    is_estimate,
    method,
    fact_id
from chosen
where choice = 1

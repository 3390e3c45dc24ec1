-- The policy `latest`, whole places. Ratios that no edition prints follow from the latest value of
-- each part, so that a row never contradicts the rows beside it; parts of two editions say so.
with cell as (
    select cell.*
    from {{ ref('int_policy__cells') }} as cell
    left join {{ ref('int_indicator__across') }} as remade
        on cell.place_code = remade.place_code
        and cell.indicator_id = remade.indicator_id
        and cell.year = remade.year
    where
        cell.vintage = 'latest'
        and remade.place_code is null
),

across as (
    select * from {{ ref('int_indicator__across') }}
),

unioned as (
    select
        place_code,
        indicator_id,
        year,
        unit,
        document,
        edition,
        published_on,
        published_on_precision,
        status,
        source_kind,
        is_estimate,
        method,
        value,
        value_low,
        value_high,
        fact_id
    from cell
    union all
    select
        place_code,
        indicator_id,
        year,
        unit,
        document,
        edition,
        published_on,
        published_on_precision,
        status,
        source_kind,
        is_estimate,
        method,
        value,
        value_low,
        value_high,
        fact_id
    from across
)

select
    unioned.place_code,
    unioned.indicator_id,
    unioned.year,
    place.place_level,
    place.place_name_zh,
    place.place_name_en,
    {{ published('unioned.value') }} as value,
    {{ published('unioned.value_low') }} as value_low,
    {{ published('unioned.value_high') }} as value_high,
    unioned.unit,
    unioned.document,
    unioned.edition,
    unioned.published_on,
    unioned.published_on_precision,
    unioned.status,
    unioned.source_kind,
    unioned.is_estimate,
    unioned.method,
    unioned.fact_id
from unioned
inner join {{ ref('int_place__named') }} as place
    on unioned.place_code = place.place_code
    and unioned.year = place.year

-- The policy `latest`, whole places; ratios whose parts stand in two editions are added, and say so.
with cell as (
    select * from {{ ref('int_policy__cells') }}
    where vintage = 'latest'
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

with total as (
    select
        circle_id,
        indicator_id,
        year,
        vintage,
        unit,
        aggregation,
        cast(null as varchar(100)) as numerator,
        cast(null as varchar(100)) as denominator,
        members_total,
        members_with_data,
        edition_min,
        edition_max,
        is_mixed_vintage,
        is_preliminary,
        false as is_refused,
        rests_on_assumed_date,
        is_estimate,
        aggregation || ' of members' as method,
        value,
        value_low,
        value_high
    from {{ ref('int_circle__total') }}
),

ratio as (
    select
        circle_id,
        indicator_id,
        year,
        vintage,
        unit,
        aggregation,
        numerator,
        denominator,
        members_total,
        members_with_data,
        edition_min,
        edition_max,
        is_mixed_vintage,
        is_preliminary,
        is_refused,
        rests_on_assumed_date,
        is_estimate,
        method,
        value,
        value_low,
        value_high
    from {{ ref('int_circle__ratio') }}
),

weighted as (
    select
        circle_id,
        indicator_id,
        year,
        vintage,
        unit,
        'weighted_mean' as aggregation,
        cast(null as varchar(100)) as numerator,
        cast(null as varchar(100)) as denominator,
        members_total,
        members_with_data,
        edition_min,
        edition_max,
        is_mixed_vintage,
        is_preliminary,
        false as is_refused,
        rests_on_assumed_date,
        is_estimate,
        'weighted mean of members' as method,
        value,
        value_low,
        value_high
    from {{ ref('int_circle__weighted') }}
),

chain as (
    select
        circle_id,
        indicator_id,
        year,
        vintage,
        unit,
        'chain' as aggregation,
        cast(null as varchar(100)) as numerator,
        cast(null as varchar(100)) as denominator,
        members_total,
        members_with_data,
        edition_min,
        edition_max,
        is_mixed_vintage,
        is_preliminary,
        false as is_refused,
        rests_on_assumed_date,
        is_estimate,
        method,
        value,
        value_low,
        value_high
    from {{ ref('int_circle__chain') }}
),

unioned as (
    select * from total
    union all
    select * from ratio
    union all
    select * from weighted
    union all
    select * from chain
),

stated as (
    select
        unioned.*,
        circle.circle_name_zh,
        circle.circle_name_en,
        unioned.members_with_data = unioned.members_total as is_complete,
        unioned.members_with_data = unioned.members_total and not unioned.is_refused as is_shown
    from unioned
    inner join {{ ref('stg_geography__circle') }} as circle
        on unioned.circle_id = circle.circle_id
)

select
    circle_id,
    indicator_id,
    year,
    vintage,
    circle_name_zh,
    circle_name_en,
    case when is_shown then {{ published('value') }} end as value,
    case when is_shown then {{ published('value_low') }} end as value_low,
    case when is_shown then {{ published('value_high') }} end as value_high,
    unit,
    aggregation,
    numerator,
    denominator,
    members_total,
    members_with_data,
    {{ rounded('cast(members_with_data as double) / members_total', 6) }} as coverage_share,
    not is_complete as is_partial,
    edition_min,
    edition_max,
    is_mixed_vintage,
    is_preliminary,
    is_refused,
    rests_on_assumed_date,
    is_estimate,
    method,
    {{ fact_hash(["'circle'", 'circle_id', 'indicator_id', 'cast(year as varchar(4))', 'vintage']) }}
        as fact_id
from stated

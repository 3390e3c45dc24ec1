-- What circles need and nobody supplied: for every indicator and year in which some members have a
-- value, the members that lack one; and once per circle the members that no table can supply.
with circle as (
    select *
    from {{ ref('stg_geography__circle') }}
    where circle_kind in ('circle', 'core')
),

indicator as (
    select *
    from {{ ref('stg_registry__indicator') }}
    where aggregation = 'sum'
),

started as (
    select distinct
        circle_id,
        indicator_id,
        year
    from {{ ref('int_circle__cell') }}
    where vintage = 'latest'
),

missing as (
    select
        member.place_code,
        started.circle_id,
        started.indicator_id,
        started.year
    from started
    inner join circle
        on started.circle_id = circle.circle_id
    inner join indicator
        on started.indicator_id = indicator.indicator_id
    inner join {{ ref('int_circle__member') }} as member
        on started.circle_id = member.circle_id
    left join {{ ref('int_circle__cell') }} as cell
        on started.circle_id = cell.circle_id
        and started.indicator_id = cell.indicator_id
        and started.year = cell.year
        and cell.vintage = 'latest'
        and member.place_code = cell.place_code
    where cell.place_code is null
),

reasoned as (
    select
        missing.*,
        coalesce(reason.would_be_filled_by, indicator.would_be_filled_by) as would_be_filled_by,
        reason.reason,
        row_number() over (
            partition by
                missing.place_code, missing.circle_id, missing.indicator_id, missing.year
            order by
                case when reason.year is not null then 0 else 1 end,
                reason.reason
        ) as choice
    from missing
    inner join indicator
        on missing.indicator_id = indicator.indicator_id
    left join {{ ref('int_place__named') }} as place
        on missing.place_code = place.place_code
        and missing.year = place.year
    left join {{ ref('gap_reason') }} as reason
        on missing.indicator_id = reason.indicator_id
        and (reason.year is null or missing.year = reason.year)
        and (reason.place_level is null or place.place_level = reason.place_level)
)

select
    place_code,
    circle_id,
    indicator_id,
    year,
    'circle_indicator_year' as needed_by,
    would_be_filled_by,
    coalesce(reason, 'No edition held prints the value for this place and year') as reason
from reasoned
where choice = 1

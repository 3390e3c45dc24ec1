-- The plans' goal that every centre be reached from every other within an hour, tested by rail on the
-- reference dates: the fastest direct train, and the fastest journey with one change.
{% set limit_minutes = 60 %}

with member as (
    select
        circle_id,
        place_code,
        case when place_code like '44%00' then 0 else 1 end as is_county
    from {{ ref('stg_geography__circle_member') }}
    where
        circle_id in ('GZ_PAPER9', 'GZ_OFFICIAL2023', 'PRW')
        and coverage = 'whole'
        and place_code like '44%'
),

day as (
    select
        day.service_date,
        day.timetable,
        day.day_type
    from {{ ref('int_rail__day') }} as day
    inner join {{ ref('rail_reference_date') }} as wanted
        on day.service_date = wanted.service_date
),

pair as (
    select
        a.circle_id,
        day.service_date,
        day.timetable,
        day.day_type,
        case when a.is_county + b.is_county = 0 then 'prefecture' else 'county' end as place_level,
        a.place_code as origin_code,
        b.place_code as destination_code
    from member as a
    inner join member as b
        on a.circle_id = b.circle_id
        and a.place_code <> b.place_code
    cross join day
),

served as (
    select distinct
        service_date,
        origin_code as place_code
    from {{ ref('rail_city_pair_day') }}
),

timed as (
    select
        pair.*,
        trains.direct_trains,
        trains.fastest_minutes as direct_minutes,
        trains.median_minutes as median_direct_minutes,
        change.minutes as one_change_minutes,
        origin.place_code is not null and destination.place_code is not null as has_stations
    from pair
    left join {{ ref('rail_city_pair_day') }} as trains
        on pair.service_date = trains.service_date
        and pair.place_level = trains.place_level
        and pair.origin_code = trains.origin_code
        and pair.destination_code = trains.destination_code
    left join {{ ref('int_rail__one_change') }} as change
        on pair.service_date = change.service_date
        and pair.place_level = change.place_level
        and pair.origin_code = change.origin_code
        and pair.destination_code = change.destination_code
    left join served as origin
        on pair.service_date = origin.service_date
        and pair.origin_code = origin.place_code
    left join served as destination
        on pair.service_date = destination.service_date
        and pair.destination_code = destination.place_code
),

best as (
    select
        *,
        case
            when direct_minutes is null then one_change_minutes
            when one_change_minutes is null or direct_minutes <= one_change_minutes
                then direct_minutes
            else one_change_minutes
        end as best_minutes
    from timed
)

select
    circle_id,
    service_date,
    place_level,
    origin_code,
    destination_code,
    timetable,
    day_type,
    cast(coalesce(direct_trains, 0) as integer) as direct_trains,
    cast(direct_minutes as integer) as direct_minutes,
    cast(median_direct_minutes as double) as median_direct_minutes,
    cast(one_change_minutes as integer) as one_change_minutes,
    cast(best_minutes as integer) as best_minutes,
    cast({{ limit_minutes }} as integer) as limit_minutes,
    cast({{ var('rail_min_change_minutes', 15) }} as integer) as min_change_minutes,
    cast(
        case when best_minutes > {{ limit_minutes }} then best_minutes - {{ limit_minutes }} end
        as integer
    ) as minutes_over,
    case
        when not has_stations then 'no_station'
        when best_minutes is null then 'no_service'
        when best_minutes > {{ limit_minutes }} then 'fails_by_rail'
        else 'lower_bound_within'
    end as status
from best

-- Targets of travel time between the centres of a circle, which no source measures from door to door:
-- what trains alone give, on the newest ordinary day held. A lower bound: a journey that keeps the
-- limit may take longer from door to door, one that breaks it may be shorter by road.
with target as (
    select
        target_id,
        circle_id,
        target_value * case unit when '小时' then 60 else 1 end as limit_minutes
    from {{ ref('stg_publications__policy_target') }}
    where
        circle_id is not null
        and comparator = '<='
        and unit in ('小时', '分钟')
        and indicator_name in (
            'travel_time_between_central_urban_areas', 'travel_time_central_urban',
            'travel_time_whole_area', 'travel_circle_time', 'commuting_circle_time'
        )
),

member as (
    select distinct
        circle_id,
        place_code
    from {{ ref('int_circle__member') }}
    where
        weight = 1
        and not is_predecessor
),

-- A circle whose members are not all tested has no such count.
asked as (
    select
        circle_id,
        count(*) * (count(*) - 1) as journeys
    from member
    group by circle_id
),

newest as (
    select max(service_date) as service_date
    from {{ ref('rail_reach') }}
    where day_type = 'workday'
),

journey as (
    select distinct
        reach.service_date,
        reach.origin_code,
        reach.destination_code,
        reach.best_minutes
    from {{ ref('rail_reach') }} as reach
    inner join newest
        on reach.service_date = newest.service_date
),

counted as (
    select
        target.target_id,
        max(target.limit_minutes) as limit_minutes,
        max(journey.service_date) as service_date,
        count(*) as journeys,
        sum(case when journey.best_minutes <= target.limit_minutes then 1 else 0 end) as within_limit,
        sum(case when journey.best_minutes > target.limit_minutes then 1 else 0 end) as beyond_limit,
        max(journey.best_minutes) as longest_minutes
    from target
    inner join member as origin
        on target.circle_id = origin.circle_id
    inner join member as destination
        on target.circle_id = destination.circle_id
    inner join journey
        on origin.place_code = journey.origin_code
        and destination.place_code = journey.destination_code
    inner join asked
        on target.circle_id = asked.circle_id
    group by target.target_id
    having count(*) = max(asked.journeys)
)

select
    target_id,
    'by rail alone on ' || cast(service_date as varchar(10)) || ', an ordinary workday, '
    || cast(within_limit as varchar(10)) || ' of ' || cast(journeys as varchar(10))
    || ' journeys between members keep ' || {{ shown('limit_minutes', 0) }} || ' minutes (without the '
    || 'ways to and from the station), ' || cast(beyond_limit as varchar(10)) || ' take longer'
    || case
        when longest_minutes is null then ''
        else ', up to ' || cast(longest_minutes as varchar(10)) || ' minutes'
    end
    || case
        when journeys > within_limit + beyond_limit
            then
                ', ' || cast(journeys - within_limit - beyond_limit as varchar(10))
                || ' have no train or no station'
        else ''
    end
    || ' (rail_reach)' as told
from counted

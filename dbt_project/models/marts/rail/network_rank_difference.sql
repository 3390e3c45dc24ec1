-- Where the economic links and the railway disagree: the rank of each pair of a circle in both, on
-- the reference dates held, under every variant. The links are of the newest year up to the date.
with member as (
    select
        circle_id,
        place_code
    from {{ ref('stg_geography__circle_member') }}
    where
        circle_id in ('GZ_PAPER9', 'PRW')
        and coverage = 'whole'
        and place_code like '44%00'
),

day as (
    select
        day.service_date,
        day.day_type,
        day.timetable,
        extract(year from day.service_date) as service_year
    from {{ ref('int_rail__day') }} as day
    inner join {{ ref('rail_reference_date') }} as wanted
        on day.service_date = wanted.service_date
),

both_ways as (
    select
        service_date,
        {{ least_text('origin_code', 'destination_code') }} as origin_code,
        {{ greatest_text('origin_code', 'destination_code') }} as destination_code,
        sum(direct_trains) as trains
    from {{ ref('rail_city_pair_day') }}
    where place_level = 'prefecture'
    group by
        service_date,
        {{ least_text('origin_code', 'destination_code') }},
        {{ greatest_text('origin_code', 'destination_code') }}
),

railway as (
    select
        member.circle_id,
        day.service_date,
        day.day_type,
        day.timetable,
        day.service_year,
        member.place_code as origin_code,
        other.place_code as destination_code,
        coalesce(both_ways.trains, 0) as trains,
        rank() over (
            partition by member.circle_id, day.service_date
            order by coalesce(both_ways.trains, 0) desc
        ) as rail_rank
    from member
    inner join member as other
        on member.circle_id = other.circle_id
        and member.place_code < other.place_code
    cross join day
    left join both_ways
        on day.service_date = both_ways.service_date
        and member.place_code = both_ways.origin_code
        and other.place_code = both_ways.destination_code
),

newest as (
    select
        day.service_date,
        links.circle_id,
        links.variant,
        max(links.year) as year
    from day
    inner join {{ ref('economic_link_city_pair_year') }} as links
        on day.service_year >= links.year
    group by day.service_date, links.circle_id, links.variant
)

select
    railway.circle_id,
    railway.service_date,
    newest.variant,
    railway.origin_code,
    railway.destination_code,
    railway.timetable,
    railway.day_type,
    cast(newest.year as integer) as year,
    cast(railway.trains as integer) as trains,
    cast(railway.rail_rank as integer) as rail_rank,
    cast(links.link_rank as integer) as link_rank,
    cast(railway.rail_rank - links.link_rank as integer) as rank_difference
from railway
inner join newest
    on railway.circle_id = newest.circle_id
    and railway.service_date = newest.service_date
left join {{ ref('economic_link_city_pair_year') }} as links
    on railway.circle_id = links.circle_id
    and newest.year = links.year
    and newest.variant = links.variant
    and railway.origin_code = links.origin_code
    and railway.destination_code = links.destination_code

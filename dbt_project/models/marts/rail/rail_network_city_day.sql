-- The railway as a network of cities on a date, inside a region: the province or a circle of whole
-- cities. The weight of two cities is the trains of both directions.
with member as (
    select
        '440000' as region_id,
        place_code
    from {{ ref('stg_geography__division') }}
    where
        place_level = 'prefecture'
        and parent_code = '440000'
        and valid_to is null
    union all
    select
        circle.circle_id as region_id,
        circle.place_code
    from {{ ref('stg_geography__circle_member') }} as circle
    where
        circle.circle_id in ('GZ_PAPER9', 'PRW', 'GF')
        and circle.coverage = 'whole'
        and circle.place_code like '44%00'
),

link as (
    select
        service_date,
        origin_code as place_code,
        destination_code as other_code,
        direct_trains
    from {{ ref('rail_city_pair_day') }}
    where place_level = 'prefecture'
    union all
    select
        service_date,
        destination_code as place_code,
        origin_code as other_code,
        direct_trains
    from {{ ref('rail_city_pair_day') }}
    where place_level = 'prefecture'
),

weighted as (
    select
        service_date,
        place_code,
        other_code,
        sum(direct_trains) as trains
    from link
    group by service_date, place_code, other_code
),

inside as (
    select
        member.region_id,
        weighted.service_date,
        weighted.place_code,
        count(*) as linked_cities,
        sum(weighted.trains) as strength,
        max(weighted.trains) as strongest_trains
    from weighted
    inner join member
        on weighted.place_code = member.place_code
    inner join member as other
        on weighted.other_code = other.place_code
        and member.region_id = other.region_id
    group by member.region_id, weighted.service_date, weighted.place_code
),

anywhere as (
    select
        service_date,
        place_code,
        sum(trains) as strength
    from weighted
    group by service_date, place_code
),

every as (
    select
        member.region_id,
        member.place_code,
        day.service_date,
        day.timetable,
        day.day_type,
        day.is_gap_day
    from member
    cross join {{ ref('int_rail__day') }} as day
),

filled as (
    select
        every.*,
        coalesce(inside.linked_cities, 0) as linked_cities,
        coalesce(inside.strength, 0) as strength,
        coalesce(anywhere.strength, 0) as strength_province,
        coalesce(inside.strongest_trains, 0) as strongest_trains
    from every
    left join inside
        on every.region_id = inside.region_id
        and every.place_code = inside.place_code
        and every.service_date = inside.service_date
    left join anywhere
        on every.place_code = anywhere.place_code
        and every.service_date = anywhere.service_date
)

select
    region_id,
    service_date,
    place_code,
    timetable,
    day_type,
    is_gap_day,
    cast(linked_cities as integer) as linked_cities,
    cast(strength as integer) as strength,
    cast(
        cast(strength as double)
        / nullif(sum(strength) over (partition by region_id, service_date), 0) as double
    ) as strength_share,
    cast(strongest_trains as integer) as strongest_trains,
    cast(strength_province - strength as integer) as strength_outside,
    cast(
        rank() over (partition by region_id, service_date order by strength desc) as integer
    ) as strength_rank
from filled

-- The railway as a network of cities on a date, inside a region: the province or a circle of whole
-- cities. The weight of two cities is the trains of both directions. Layers are those of the dominant
-- link (Nystuen and Dacey 1961): a city hangs on the city of its strongest link if that one is
-- stronger, and is a centre of its own (layer 1) if it is not.
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

edge as (
    select
        member.region_id,
        weighted.service_date,
        weighted.place_code,
        weighted.other_code,
        weighted.trains
    from weighted
    inner join member
        on weighted.place_code = member.place_code
    inner join member as other
        on weighted.other_code = other.place_code
        and member.region_id = other.region_id
),

inside as (
    select
        region_id,
        service_date,
        place_code,
        count(*) as linked_cities,
        sum(trains) as strength,
        max(trains) as strongest_trains
    from edge
    group by region_id, service_date, place_code
),

-- Cities by strength; the code decides between equals, so that nobody hangs on each other.
ordered as (
    select
        *,
        row_number() over (
            partition by region_id, service_date
            order by strength desc, place_code asc
        ) as place_order
    from inside
),

strongest as (
    select
        edge.region_id,
        edge.service_date,
        edge.place_code,
        edge.other_code,
        row_number() over (
            partition by edge.region_id, edge.service_date, edge.place_code
            order by edge.trains desc, other.place_order asc
        ) as choice,
        case when other.place_order < own.place_order then edge.other_code end as dominant_code
    from edge
    inner join ordered as own
        on edge.region_id = own.region_id
        and edge.service_date = own.service_date
        and edge.place_code = own.place_code
    inner join ordered as other
        on edge.region_id = other.region_id
        and edge.service_date = other.service_date
        and edge.other_code = other.place_code
),

dominant as (
    select
        region_id,
        service_date,
        place_code,
        other_code as strongest_code,
        dominant_code
    from strongest
    where choice = 1
),

-- Layer 5 is a chain of four links or more.
layered as (
    select
        own.region_id,
        own.service_date,
        own.place_code,
        own.strongest_code,
        own.dominant_code,
        case
            when own.dominant_code is null then 1
            when first.dominant_code is null then 2
            when second.dominant_code is null then 3
            when third.dominant_code is null then 4
            else 5
        end as layer
    from dominant as own
    left join dominant as first
        on own.region_id = first.region_id
        and own.service_date = first.service_date
        and own.dominant_code = first.place_code
    left join dominant as second
        on first.region_id = second.region_id
        and first.service_date = second.service_date
        and first.dominant_code = second.place_code
    left join dominant as third
        on second.region_id = third.region_id
        and second.service_date = third.service_date
        and second.dominant_code = third.place_code
),

-- Pairs without a direct train that one change joins, each shared by the cities where it may be.
two_legs as (
    select
        one.region_id,
        one.service_date,
        one.place_code,
        one.other_code as change_code,
        two.other_code
    from edge as one
    inner join edge as two
        on one.region_id = two.region_id
        and one.service_date = two.service_date
        and one.other_code = two.place_code
        and one.place_code < two.other_code
    left join edge as direct
        on one.region_id = direct.region_id
        and one.service_date = direct.service_date
        and one.place_code = direct.place_code
        and two.other_code = direct.other_code
    where direct.place_code is null
),

shared as (
    select
        *,
        count(*) over (
            partition by region_id, service_date, place_code, other_code
        ) as ways
    from two_legs
),

-- Whole numbers are summed: pairs shared by so many cities, not thirds of pairs.
between_cities as (
    select
        region_id,
        service_date,
        change_code as place_code,
        ways,
        count(*) as pairs
    from shared
    group by region_id, service_date, change_code, ways
),

betweenness as (
    select
        region_id,
        service_date,
        place_code,
        sum({{ exact('round(cast(pairs as double) / ways, 6)') }}) as transfer_pairs
    from between_cities
    group by region_id, service_date, place_code
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
        coalesce(inside.strongest_trains, 0) as strongest_trains,
        layered.strongest_code,
        layered.dominant_code,
        layered.layer,
        coalesce(betweenness.transfer_pairs, 0) as transfer_pairs
    from every
    left join inside
        on every.region_id = inside.region_id
        and every.place_code = inside.place_code
        and every.service_date = inside.service_date
    left join layered
        on every.region_id = layered.region_id
        and every.place_code = layered.place_code
        and every.service_date = layered.service_date
    left join betweenness
        on every.region_id = betweenness.region_id
        and every.place_code = betweenness.place_code
        and every.service_date = betweenness.service_date
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
    ) as strength_rank,
    strongest_code,
    dominant_code,
    cast(layer as integer) as layer,
    cast(transfer_pairs as double) as transfer_pairs
from filled

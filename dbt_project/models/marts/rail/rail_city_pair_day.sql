-- Direct trains between cities of Guangdong by date; the rule itself is int_rail__train_pair.
with pair as (
    select
        service_date,
        timetable,
        origin_code,
        destination_code,
        snapshot_id,
        cast(count(*) as integer) as direct_trains,
        cast(
            sum(case when train_class in ('G', 'D', 'C') then 1 else 0 end) as integer
        ) as gdc_trains,
        cast(min(first_departure_minute) as integer) as first_departure_minute,
        cast(max(last_departure_minute) as integer) as last_departure_minute,
        cast(min(shortest_minutes) as integer) as fastest_minutes,
        cast({{ median_of('shortest_minutes') }} as double) as median_minutes
    from {{ ref('int_rail__train_pair') }}
    group by service_date, timetable, origin_code, destination_code, snapshot_id
)

select
    pair.service_date,
    origin.place_level,
    pair.origin_code,
    pair.destination_code,
    origin.place_name_zh as origin_name_zh,
    destination.place_name_zh as destination_name_zh,
    pair.direct_trains,
    pair.gdc_trains,
    pair.first_departure_minute,
    pair.last_departure_minute,
    pair.fastest_minutes,
    pair.median_minutes,
    pair.timetable,
    day.day_type,
    day.is_gap_day,
    pair.snapshot_id
from pair
inner join {{ ref('int_rail__day') }} as day
    on pair.service_date = day.service_date
    and pair.timetable = day.timetable
left join {{ ref('stg_geography__division') }} as origin
    on pair.origin_code = origin.place_code
    and pair.service_date >= origin.valid_from
    and (origin.valid_to is null or pair.service_date <= origin.valid_to)
left join {{ ref('stg_geography__division') }} as destination
    on pair.destination_code = destination.place_code
    and pair.service_date >= destination.valid_from
    and (destination.valid_to is null or pair.service_date <= destination.valid_to)

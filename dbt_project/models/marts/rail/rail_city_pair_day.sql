-- Direct trains between places of Guangdong by date, from the timetable that holds on the date.
-- The counting rule itself is pipelines/rail/pairs.py.
select
    pair.service_date,
    pair.place_level,
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
    pair.origin_stations,
    pair.destination_stations,
    pair.origin_station_names,
    pair.destination_station_names,
    pair.timetable,
    day.day_type,
    day.is_gap_day,
    pair.snapshot_id
from {{ ref('stg_rail__pair_day') }} as pair
inner join {{ ref('int_rail__day') }} as day
    on pair.service_date = day.service_date
    and pair.timetable = day.timetable
    and pair.edition = day.edition
left join {{ ref('stg_geography__division') }} as origin
    on pair.origin_code = origin.place_code
    and pair.service_date >= origin.valid_from
    and (origin.valid_to is null or pair.service_date <= origin.valid_to)
left join {{ ref('stg_geography__division') }} as destination
    on pair.destination_code = destination.place_code
    and pair.service_date >= destination.valid_from
    and (destination.valid_to is null or pair.service_date <= destination.valid_to)

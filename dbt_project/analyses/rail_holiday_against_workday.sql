-- 节假日与平日相比，各城市对的直达列车增减多少？
-- How do direct trains between cities differ between a holiday and an ordinary day?
-- No row means zero on the dates of rail_service_day, so the dates come from there. Two days are no
-- trend.
with pair as (
    select distinct
        origin_code,
        destination_code,
        origin_name_zh,
        destination_name_zh
    from rail_city_pair_day
    where place_level = 'prefecture'
),

counted as (
    select
        pair.origin_code,
        pair.destination_code,
        pair.origin_name_zh,
        pair.destination_name_zh,
        day.service_date,
        coalesce(trains.direct_trains, 0) as direct_trains
    from pair
    cross join rail_service_day as day
    left join rail_city_pair_day as trains
        on pair.origin_code = trains.origin_code
        and pair.destination_code = trains.destination_code
        and day.service_date = trains.service_date
        and day.timetable = trains.timetable
        and trains.place_level = 'prefecture'
    where day.service_date in (date '2024-04-17', date '2024-05-01')
)

select
    origin_name_zh,
    destination_name_zh,
    cast(sum(case when service_date = date '2024-04-17' then direct_trains end) as integer)
        as workday,
    cast(sum(case when service_date = date '2024-05-01' then direct_trains end) as integer)
        as holiday,
    cast(
        sum(case when service_date = date '2024-05-01' then direct_trains else -direct_trains end)
        as integer
    ) as difference
from counted
group by origin_code, destination_code, origin_name_zh, destination_name_zh
order by abs(difference) desc, origin_code asc, destination_code asc
limit 20

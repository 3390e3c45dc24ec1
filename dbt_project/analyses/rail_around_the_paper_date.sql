-- 论文日期（2023-05-01）没有公开时刻表：其前后各窗口的直达列车有多少？
-- How many direct trains ran before and after 2023-05-01, the paper's date, which no public timetable
-- covers? Medians are of the days held: without the timetable files they are of single dates, and
-- windows that are not held stay empty. Nothing is relabelled: every column names its own time.
with city as (
    select place_code from circle_member
    where circle_id = 'GZ_PAPER9'
),

day_trains as (
    select
        origin_code,
        destination_code,
        direct_trains
    from rail_city_pair_day
    where
        service_date = date '2024-05-01'
        and place_level = 'prefecture'
),

median_day as (
    select
        origin_code,
        destination_code,
        max(case when timetable = 'cr_timetable_220620' then median_trains end) as median_2022_06,
        max(case when timetable = 'cr_timetable_240110' then median_trains end) as median_2024_01,
        max(case when timetable = 'cr_timetable_240410' then median_trains end) as median_2024_04
    from rail_city_pair_window
    where
        place_level = 'prefecture'
        and day_type = 'all'
    group by origin_code, destination_code
)

select
    origin.place_name_zh as origin_name_zh,
    destination.place_name_zh as destination_name_zh,
    median_day.median_2022_06,
    'no public timetable' as paper_date_2023_05_01,
    median_day.median_2024_01,
    median_day.median_2024_04,
    day_trains.direct_trains as holiday_2024_05_01
from median_day
inner join city as a
    on median_day.origin_code = a.place_code
inner join city as b
    on median_day.destination_code = b.place_code
inner join division as origin
    on median_day.origin_code = origin.place_code
    and origin.valid_to is null
inner join division as destination
    on median_day.destination_code = destination.place_code
    and destination.valid_to is null
left join day_trains
    on median_day.origin_code = day_trains.origin_code
    and median_day.destination_code = day_trains.destination_code
order by
    median_day.median_2024_04 desc,
    median_day.origin_code asc,
    median_day.destination_code asc
limit 20

-- Dates held, with the trains of the nation and of Guangdong.
with touching as (
    -- Trains that start on the date; the extract keeps those alone that call in Guangdong.
    select
        timetable,
        service_date,
        count(distinct train_no) as trains
    from {{ ref('stg_rail__service') }}
    where days_run = 0
    group by timetable, service_date
),

boarding as (
    select
        stop.timetable,
        stop.service_date,
        count(distinct stop.train_no) as trains
    from {{ ref('stg_rail__stop_time') }} as stop
    inner join {{ ref('stg_rail__service') }} as service
        on stop.timetable = service.timetable
        and stop.service_date = service.service_date
        and stop.train_no = service.train_no
        and stop.depart_day = service.days_run
    group by stop.timetable, stop.service_date
)

select
    day.service_date,
    day.timetable,
    day.day_type,
    day.is_gap_day,
    day.trains,
    cast(coalesce(touching.trains, 0) as integer) as trains_touching_guangdong,
    cast(coalesce(boarding.trains, 0) as integer) as trains_boarding_guangdong,
    day.window_first,
    day.window_last,
    day.snapshot_id,
    day.locator,
    day.read_from,
    day.read_sha256,
    day.read_locator
from {{ ref('int_rail__day') }} as day
left join touching
    on day.timetable = touching.timetable
    and day.service_date = touching.service_date
left join boarding
    on day.timetable = boarding.timetable
    and day.service_date = boarding.service_date

-- The counting rule of the railway (architecture, section 4, rule 9): one row per date, train and
-- ordered pair of cities such that the train departs a station of the first on the date and later
-- calls at a station of the second. However many stations of either it serves, it is one train.
with day as (
    select * from {{ ref('int_rail__day') }}
),

-- Departures on the date itself: of the run that left its origin as many days ago as the train
-- needs to get here.
departure as (
    select
        stop.timetable,
        stop.service_date,
        stop.train_no,
        stop.stop_seq,
        stop.place_code,
        stop.depart_minutes,
        stop.snapshot_id,
        train.train_class,
        train.origin_minute + stop.depart_minutes - 1440 * service.days_run as depart_minute
    from {{ ref('stg_rail__stop_time') }} as stop
    inner join day
        on stop.timetable = day.timetable
        and stop.service_date = day.service_date
    inner join {{ ref('stg_rail__train') }} as train
        on stop.timetable = train.timetable
        and stop.service_date = train.service_date
        and stop.train_no = train.train_no
    inner join {{ ref('stg_rail__service') }} as service
        on stop.timetable = service.timetable
        and stop.service_date = service.service_date
        and stop.train_no = service.train_no
        and stop.depart_day = service.days_run
)

select
    departure.service_date,
    departure.timetable,
    departure.train_no,
    departure.place_code as origin_code,
    later.place_code as destination_code,
    departure.train_class,
    departure.snapshot_id,
    min(departure.depart_minute) as first_departure_minute,
    max(departure.depart_minute) as last_departure_minute,
    min(later.arrive_minutes - departure.depart_minutes) as shortest_minutes
from departure
inner join {{ ref('stg_rail__stop_time') }} as later
    on departure.timetable = later.timetable
    and departure.service_date = later.service_date
    and departure.train_no = later.train_no
    and departure.stop_seq < later.stop_seq
    and departure.place_code <> later.place_code
group by
    departure.service_date,
    departure.timetable,
    departure.train_no,
    departure.place_code,
    later.place_code,
    departure.train_class,
    departure.snapshot_id

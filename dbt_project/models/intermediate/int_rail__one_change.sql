-- Fastest journey with exactly one change at a station, on the reference dates whose trains are held.
-- A change takes at least rail_min_change_minutes and at most rail_max_wait_minutes. Changes between
-- two stations of a city (by metro) are not made: no walking or metro time is held.
{% set min_change = var('rail_min_change_minutes', 15) %}
{% set max_wait = var('rail_max_wait_minutes', 120) %}

with day as (
    select day.*
    from {{ ref('int_rail__day') }} as day
    inner join {{ ref('rail_reference_date') }} as wanted
        on day.service_date = wanted.service_date
),

-- Prefectures whose stations all have a county unit.
split as (
    select distinct concat(substr(origin_code, 1, 4), '00') as place_code
    from {{ ref('stg_rail__pair_day') }}
    where
        place_level = 'county'
        and origin_code not like '%00'
),

stop as (
    select
        stop.timetable,
        stop.edition,
        stop.train_no,
        stop.stop_seq,
        stop.place_code,
        case when split.place_code is null then stop.place_code else stop.county_code end as unit,
        coalesce(stop.telecode, stop.stop_raw) as station,
        stop.arrive_minutes,
        stop.depart_minutes,
        stop.depart_day
    from {{ ref('stg_rail__stop_time') }} as stop
    left join split
        on stop.place_code = split.place_code
),

run as (
    select
        day.service_date,
        service.timetable,
        service.edition,
        service.train_no,
        {{ dbt.datediff('service.start_date', 'day.service_date', 'day') }} as days_run,
        train.origin_minute
        - 1440 * {{ dbt.datediff('service.start_date', 'day.service_date', 'day') }} as shift
    from {{ ref('stg_rail__service') }} as service
    inner join day
        on service.timetable = day.timetable
        and service.edition = day.edition
        and service.start_date <= day.service_date
        and service.start_date >= {{ dbt.dateadd('day', -7, 'day.service_date') }}
    inner join {{ ref('stg_rail__train') }} as train
        on service.timetable = train.timetable
        and service.edition = train.edition
        and service.train_no = train.train_no
),

leg as (
    select
        run.service_date,
        here.place_code as origin_place,
        here.unit as origin_unit,
        here.station as origin_station,
        there.place_code as destination_place,
        there.unit as destination_unit,
        there.station as destination_station,
        run.shift + here.depart_minutes as leaves,
        run.shift + there.arrive_minutes as arrives
    from run
    inner join stop as here
        on run.timetable = here.timetable
        and run.edition = here.edition
        and run.train_no = here.train_no
        and run.days_run = here.depart_day
    inner join stop as there
        on here.timetable = there.timetable
        and here.edition = there.edition
        and here.train_no = there.train_no
        and here.stop_seq < there.stop_seq
),

placed as (
    select
        'prefecture' as place_level,
        service_date,
        origin_place as origin_code,
        destination_place as destination_code,
        origin_station,
        destination_station,
        leaves,
        arrives
    from leg
    union all
    select
        'county' as place_level,
        service_date,
        origin_unit as origin_code,
        destination_unit as destination_code,
        origin_station,
        destination_station,
        leaves,
        arrives
    from leg
),

-- Of all ways to be at a station at a minute the one that left last, of all ways on the one that is
-- there first.
first_leg as (
    select
        place_level,
        service_date,
        origin_code,
        destination_station as station,
        arrives,
        max(leaves) as leaves
    from placed
    group by place_level, service_date, origin_code, destination_station, arrives
),

second_leg as (
    select
        place_level,
        service_date,
        destination_code,
        origin_station as station,
        leaves,
        min(arrives) as arrives
    from placed
    group by place_level, service_date, destination_code, origin_station, leaves
)

select
    first_leg.place_level,
    first_leg.service_date,
    first_leg.origin_code,
    second_leg.destination_code,
    min(second_leg.arrives - first_leg.leaves) as minutes
from first_leg
inner join second_leg
    on first_leg.place_level = second_leg.place_level
    and first_leg.service_date = second_leg.service_date
    and first_leg.station = second_leg.station
    and second_leg.leaves >= first_leg.arrives + {{ min_change }}
    and second_leg.leaves <= first_leg.arrives + {{ max_wait }}
    and first_leg.origin_code <> second_leg.destination_code
group by
    first_leg.place_level,
    first_leg.service_date,
    first_leg.origin_code,
    second_leg.destination_code

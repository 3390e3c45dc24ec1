-- Trains of boards and listings, looked up by code in the nearest dated timetable: a second reading
-- of the same railway by somebody else.
with listed as (
    select distinct
        listed.document,
        listed.edition,
        listed.listed_on,
        listed.code,
        listed.telecode,
        coalesce(listed.board_station, 'all') as station,
        -- A train that ends here has no departure.
        case
            when listed.board_role = 'terminal' then listed.arrive_minute else listed.depart_minute
        end as at_minute,
        nearest.timetable,
        nearest.days_apart
    from {{ ref('stg_rail__listed_train') }} as listed
    left join {{ ref('int_rail__listing_window') }} as nearest
        on listed.document = nearest.document
        and listed.edition = nearest.edition
    where listed.touches_guangdong
),

-- Trains of the timetables, once under each of their first two codes.
coded as (
    select
        timetable,
        edition,
        train_no,
        origin_minute,
        {{ dbt.split_part('codes', "'/'", 1) }} as code
    from {{ ref('stg_rail__train') }}
    union all
    select
        timetable,
        edition,
        train_no,
        origin_minute,
        {{ dbt.split_part('codes', "'/'", 2) }} as code
    from {{ ref('stg_rail__train') }}
    where codes like '%/%'
),

known as (
    select distinct
        timetable,
        code
    from coded
),

calling as (
    select distinct
        coded.timetable,
        coded.code,
        stop.telecode,
        mod(
            coded.origin_minute + coalesce(stop.depart_minutes, stop.arrive_minutes), 1440
        ) as at_minute
    from coded
    inner join {{ ref('stg_rail__stop_time') }} as stop
        on coded.timetable = stop.timetable
        and coded.edition = stop.edition
        and coded.train_no = stop.train_no
    where stop.telecode in (select listed.telecode from listed)
),

station_trains as (
    select
        timetable,
        telecode,
        count(distinct train_no) as timetable_trains
    from {{ ref('stg_rail__stop_time') }}
    group by timetable, telecode
),

here as (
    select distinct
        timetable,
        code,
        telecode
    from calling
),

counted as (
    select
        listed.document,
        listed.edition,
        listed.station,
        listed.listed_on,
        listed.timetable,
        listed.days_apart,
        listed.telecode,
        count(distinct listed.code) as listed_codes,
        count(distinct known.code) as codes_found,
        count(distinct here.code) as codes_at_station,
        count(distinct calling.code) as codes_same_minute
    from listed
    left join known
        on listed.timetable = known.timetable
        and listed.code = known.code
    left join here
        on listed.timetable = here.timetable
        and listed.code = here.code
        and listed.telecode = here.telecode
    left join calling
        on listed.timetable = calling.timetable
        and listed.code = calling.code
        and listed.telecode = calling.telecode
        and listed.at_minute = calling.at_minute
    group by
        listed.document,
        listed.edition,
        listed.station,
        listed.listed_on,
        listed.timetable,
        listed.days_apart,
        listed.telecode
)

select
    counted.document,
    counted.edition,
    counted.station,
    counted.listed_on,
    counted.timetable,
    cast(counted.days_apart as integer) as days_apart,
    cast(counted.listed_codes as integer) as listed_codes,
    cast(counted.codes_found as integer) as codes_found,
    cast(
        case when counted.station <> 'all' then counted.codes_at_station end as integer
    ) as codes_at_station,
    cast(
        case when counted.station <> 'all' then counted.codes_same_minute end as integer
    ) as codes_same_minute,
    cast(
        case when counted.station <> 'all' then coalesce(station_trains.timetable_trains, 0) end
        as integer
    ) as timetable_trains
from counted
left join station_trains
    on counted.timetable = station_trains.timetable
    and counted.telecode = station_trains.telecode

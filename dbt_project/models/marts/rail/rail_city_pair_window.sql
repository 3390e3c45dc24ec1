-- Trains of a pair over the days of a timetable: the median day, for all days and by type of day.
-- A day that is held whole and has no train of the pair is a day with none: it counts as 0. Gap days
-- are left out and counted.
with day as (
    select
        *,
        1 + {{ dbt.datediff('window_first', 'window_last', 'day') }} as days_in_window
    from {{ ref('int_rail__day') }}
),

kind as (
    select 'all' as day_type
    union all
    select distinct day_type from day
),

-- Days that count, once for all days and once for their type.
counted_day as (
    select
        day.timetable,
        day.edition,
        day.service_date,
        day.days_in_window,
        kind.day_type
    from day
    inner join kind
        on kind.day_type = 'all'
        or day.day_type = kind.day_type
    where not day.is_gap_day
),

held as (
    select
        timetable,
        day_type,
        count(*) as days_counted,
        max(days_in_window) as days_in_window,
        min(service_date) as first_date,
        max(service_date) as last_date
    from counted_day
    group by timetable, day_type
),

gap as (
    select
        timetable,
        count(*) as gap_days
    from day
    where is_gap_day
    group by timetable
),

pair as (
    select distinct
        pair.timetable,
        pair.place_level,
        pair.origin_code,
        pair.destination_code
    from {{ ref('stg_rail__pair_day') }} as pair
    inner join day
        on pair.timetable = day.timetable
        and pair.edition = day.edition
        and pair.service_date = day.service_date
),

daily as (
    select
        pair.timetable,
        counted_day.day_type,
        pair.place_level,
        pair.origin_code,
        pair.destination_code,
        coalesce(trains.direct_trains, 0) as direct_trains,
        coalesce(trains.gdc_trains, 0) as gdc_trains,
        trains.fastest_minutes,
        trains.median_minutes
    from pair
    inner join counted_day
        on pair.timetable = counted_day.timetable
    left join {{ ref('stg_rail__pair_day') }} as trains
        on pair.timetable = trains.timetable
        and counted_day.edition = trains.edition
        and counted_day.service_date = trains.service_date
        and pair.place_level = trains.place_level
        and pair.origin_code = trains.origin_code
        and pair.destination_code = trains.destination_code
),

summed as (
    select
        timetable,
        day_type,
        place_level,
        origin_code,
        destination_code,
        {{ median_of('direct_trains') }} as median_trains,
        min(direct_trains) as min_trains,
        max(direct_trains) as max_trains,
        {{ median_of('gdc_trains') }} as median_gdc_trains,
        sum(case when direct_trains > 0 then 1 else 0 end) as days_with_train,
        min(fastest_minutes) as fastest_minutes,
        {{ median_of('median_minutes') }} as median_minutes
    from daily
    group by timetable, day_type, place_level, origin_code, destination_code
)

select
    summed.timetable,
    summed.day_type,
    summed.place_level,
    summed.origin_code,
    summed.destination_code,
    held.first_date,
    held.last_date,
    cast(held.days_counted as integer) as days_counted,
    cast(held.days_in_window as integer) as days_in_window,
    cast(coalesce(gap.gap_days, 0) as integer) as gap_days,
    cast(summed.median_trains as double) as median_trains,
    cast(summed.min_trains as integer) as min_trains,
    cast(summed.max_trains as integer) as max_trains,
    cast(summed.median_gdc_trains as double) as median_gdc_trains,
    cast(summed.days_with_train as integer) as days_with_train,
    cast(summed.fastest_minutes as integer) as fastest_minutes,
    cast(summed.median_minutes as double) as median_minutes
from summed
inner join held
    on summed.timetable = held.timetable
    and summed.day_type = held.day_type
left join gap
    on summed.timetable = gap.timetable

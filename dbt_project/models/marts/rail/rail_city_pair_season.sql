-- Seasonality of direct trains: the median day of each month of a timetable, and of each day of the
-- week on ordinary days (workdays and weekends; no holidays, no make-up workdays), against the median
-- of all those days. Gap days are left out; a held day without a train counts as 0.
with day as (
    select
        service_date,
        timetable,
        edition,
        day_type,
        -- 2001-01-01 was a Monday.
        1 + mod({{ dbt.datediff("date '2001-01-01'", 'service_date', 'day') }}, 7) as weekday,
        substr(cast(service_date as varchar(10)), 1, 7) as month_text
    from {{ ref('int_rail__day') }}
    where not is_gap_day
),

season as (
    select
        timetable,
        edition,
        service_date,
        'month' as season_kind,
        month_text as season
    from day
    union all
    select
        timetable,
        edition,
        service_date,
        'weekday' as season_kind,
        cast(weekday as varchar(10)) as season
    from day
    where day_type in ('workday', 'weekend')
),

pair as (
    select distinct
        timetable,
        origin_code,
        destination_code
    from {{ ref('rail_city_pair_day') }}
    where place_level = 'prefecture'
),

daily as (
    select
        season.timetable,
        season.season_kind,
        season.season,
        pair.origin_code,
        pair.destination_code,
        coalesce(trains.direct_trains, 0) as direct_trains
    from season
    inner join pair
        on season.timetable = pair.timetable
    left join {{ ref('stg_rail__pair_day') }} as trains
        on season.timetable = trains.timetable
        and season.edition = trains.edition
        and season.service_date = trains.service_date
        and trains.place_level = 'prefecture'
        and pair.origin_code = trains.origin_code
        and pair.destination_code = trains.destination_code
),

whole as (
    select
        timetable,
        season_kind,
        origin_code,
        destination_code,
        {{ median_of('direct_trains') }} as median_trains
    from daily
    group by timetable, season_kind, origin_code, destination_code
),

part as (
    select
        timetable,
        season_kind,
        season,
        origin_code,
        destination_code,
        count(*) as days_counted,
        {{ median_of('direct_trains') }} as median_trains
    from daily
    group by timetable, season_kind, season, origin_code, destination_code
)

select
    part.timetable,
    part.season_kind,
    part.season,
    part.origin_code,
    part.destination_code,
    cast(part.days_counted as integer) as days_counted,
    cast(part.median_trains as double) as median_trains,
    cast(part.median_trains / nullif(whole.median_trains, 0) as double) as season_index
from part
inner join whole
    on part.timetable = whole.timetable
    and part.season_kind = whole.season_kind
    and part.origin_code = whole.origin_code
    and part.destination_code = whole.destination_code

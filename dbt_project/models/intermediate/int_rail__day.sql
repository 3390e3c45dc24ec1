-- One row per service date: the timetable that holds on it and what kind of day it is.
-- Where timetables overlap, the later one holds from its base date.
with ranked as (
    select
        *,
        row_number() over (
            partition by service_date order by base_date desc, timetable desc
        ) as choice
    from {{ ref('stg_rail__day') }}
)

select
    day.service_date,
    day.timetable,
    kind.day_type,
    day.window_first,
    day.window_last,
    day.trains,
    day.snapshot_id,
    day.locator,
    day.read_from,
    day.read_sha256,
    day.read_locator,
    -- Trains said to run on every day but this one are the sign of a crawl that failed: 1,223 of
    -- 10,288 on 2024-08-23, some 60 on the days of 2024-01 that lack as many, 4 on a sound day.
    day.trains_skipping_only >= 0.005 * day.trains as is_gap_day
from ranked as day
left join {{ ref('stg_rail__day_type') }} as kind
    on day.service_date = kind.service_date
where day.choice = 1

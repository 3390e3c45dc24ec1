-- One row per service date: the timetable that holds on it and what kind of day it is.
-- Where timetables overlap, the later one holds from its base date; of one timetable the whole file
-- holds over a transcribed date (edition = the date) and that over bare counts (edition pairs).
with ranked as (
    select
        *,
        row_number() over (
            partition by service_date
            order by
                base_date desc,
                timetable desc,
                case edition when 'whole' then 1 when 'pairs' then 3 else 2 end asc,
                edition asc
        ) as choice
    from {{ ref('stg_rail__day') }}
)

select
    day.service_date,
    day.timetable,
    day.edition,
    kind.day_type,
    day.window_first,
    day.window_last,
    day.trains,
    day.trains_touching_guangdong,
    day.trains_boarding_guangdong,
    day.snapshot_id,
    day.locator,
    day.read_from,
    day.read_sha256,
    day.read_locator,
    day.is_gap_day
from ranked as day
left join {{ ref('stg_rail__day_type') }} as kind
    on day.service_date = kind.service_date
where day.choice = 1

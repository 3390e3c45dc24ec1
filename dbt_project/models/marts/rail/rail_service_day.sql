-- Dates held, with the trains of the nation and of Guangdong.
select
    service_date,
    timetable,
    day_type,
    is_gap_day,
    trains,
    trains_touching_guangdong,
    trains_boarding_guangdong,
    window_first,
    window_last,
    snapshot_id,
    locator,
    read_from,
    read_sha256,
    read_locator
from {{ ref('int_rail__day') }}

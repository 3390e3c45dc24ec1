-- A view: some ten million rows stay in the Parquet of the lake, one file a timetable, and the
-- release copies them file by file. The dates that a later timetable covers are left out.
{{ config(materialized='view') }}

select pair.*
from {{ source('lake', 'rail_city_pair_day_national') }} as pair
where exists (
    select 1
    from {{ ref('int_rail__day') }} as day
    where
        day.service_date = pair.service_date
        and day.timetable = pair.timetable
        and day.edition = 'whole'
)

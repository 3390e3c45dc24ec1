-- Values that a correction keeps out of every mart: printed, and yet a gap.
with source as (
    select * from {{ source('lake', 'observation') }}
)

select
    place_code,
    indicator_id,
    cast(extract(year from period_end) as integer) as data_year,
    min(document || ' ' || edition) as printed_in,
    min(correction_id) as correction_id
from source
where
    superseded_by = 'excluded'
    and place_code is not null
    and indicator_id is not null
    and value is not null
group by place_code, indicator_id, cast(extract(year from period_end) as integer)

select * from {{ source('lake', 'rail_stop_time') }}

select * from {{ source('lake', 'rail_day') }}

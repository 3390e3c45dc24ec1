select * from {{ source('lake', 'rail_city') }}

select * from {{ source('lake', 'air_limit') }}

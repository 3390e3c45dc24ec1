select * from {{ source('lake', 'air_breakpoint') }}

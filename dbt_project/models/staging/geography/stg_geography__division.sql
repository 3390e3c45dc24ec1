select * from {{ source('lake', 'division') }}

select * from {{ source('lake', 'unit') }}

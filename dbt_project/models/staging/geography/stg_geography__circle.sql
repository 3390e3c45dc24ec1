select * from {{ source('lake', 'circle') }}

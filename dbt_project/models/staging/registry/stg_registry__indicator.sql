select * from {{ source('lake', 'indicator') }}

select * from {{ source('lake', 'document') }}

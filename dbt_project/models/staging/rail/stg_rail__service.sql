select * from {{ source('lake', 'rail_service') }}

select * from {{ source('lake', 'city_centre') }}

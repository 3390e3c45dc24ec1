select * from {{ source('lake', 'rail_listed_pair') }}

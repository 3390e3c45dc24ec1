select * from {{ source('lake', 'rail_pair_day') }}

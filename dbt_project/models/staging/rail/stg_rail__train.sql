select * from {{ source('lake', 'rail_train') }}

select * from {{ source('lake', 'circle_member') }}

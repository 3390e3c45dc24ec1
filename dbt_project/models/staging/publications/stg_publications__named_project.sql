select * from {{ source('lake', 'named_project') }}

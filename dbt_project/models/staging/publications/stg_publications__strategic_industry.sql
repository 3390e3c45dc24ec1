select * from {{ source('lake', 'strategic_industry') }}

select * from {{ source('lake', 'cluster_city_role') }}

select * from {{ ref('stg_geography__division') }}

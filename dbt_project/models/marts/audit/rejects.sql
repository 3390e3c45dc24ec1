select * from {{ ref('stg_yearbook__rejects') }}

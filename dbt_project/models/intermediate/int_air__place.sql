-- One row per place: its present name, for labels of air tables.
with dated as (
    select
        place_code,
        place_name_zh,
        place_name_en,
        row_number() over (partition by place_code order by valid_from desc) as choice
    from {{ ref('stg_geography__division') }}
)

select
    place_code,
    place_name_zh,
    place_name_en
from dated
where choice = 1

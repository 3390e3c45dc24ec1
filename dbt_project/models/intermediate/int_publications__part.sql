-- The indicators that a printed indicator is made from: itself, or both parts of a ratio. A share
-- of the province has its denominator in the province, not in the area.
with ratio as (
    select *
    from {{ ref('stg_registry__indicator') }}
    where {{ of_two_parts('aggregation') }}
)

select
    indicator_id,
    indicator_id as part_id,
    false as is_provincial
from {{ ref('stg_registry__indicator') }}
where not {{ of_two_parts('aggregation') }}
union all
select
    indicator_id,
    numerator as part_id,
    false as is_provincial
from ratio
union all
select
    indicator_id,
    replace(denominator, '@province', '') as part_id,
    denominator like '%@province' as is_provincial
from ratio

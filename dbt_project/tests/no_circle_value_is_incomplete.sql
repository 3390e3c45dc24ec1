-- A value stands only where every member of the definition has one.
select *
from {{ ref('circle_indicator_year') }}
where
    (value is not null and members_with_data < members_total)
    or (is_partial and value is not null)

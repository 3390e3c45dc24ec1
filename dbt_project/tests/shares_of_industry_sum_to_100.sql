-- The three industries of a circle are all of it (each is rounded to two decimals in print).
select
    circle_id,
    year,
    vintage,
    sum(value) as total
from {{ ref('circle_indicator_year') }}
where indicator_id in ('primary_share', 'secondary_share', 'tertiary_share')
group by circle_id, year, vintage
having
    count(value) = 3
    and abs(sum(value) - 100) > 0.35

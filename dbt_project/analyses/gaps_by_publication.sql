-- 补上哪一种出版物，能填最多的缺口？
-- Which publication would fill most of what is missing?
select
    would_be_filled_by,
    count(distinct indicator_id) as indicators,
    count(distinct circle_id) as circles,
    count(distinct place_code) as places,
    min(year) as first_year,
    max(year) as last_year,
    count(*) as cells
from gap
group by would_be_filled_by
order by cells desc, would_be_filled_by asc

-- 都市圈内人均地区生产总值的差距：同一份年鉴、同一版次之内比较。
-- How far apart are the members of a circle in GDP per head? Within one document and edition, since
-- levels of two editions must not be compared. Only years in which one edition has every member.
with member as (
    select place_code
    from circle_member
    where circle_id = 'GZ_PAPER9'
),

value as (
    select
        cell.document,
        cell.edition,
        cell.year,
        cell.place_name_zh,
        cell.value
    from city_indicator_year as cell
    inner join member
        on cell.place_code = member.place_code
    where
        cell.indicator_id = 'gdp_per_capita'
        and cell.scope = 'whole_city'
        and cell.value is not null
)

select
    document,
    edition,
    year,
    round(max(value) / min(value), 2) as highest_over_lowest,
    round(stddev_pop(value) / avg(value), 4) as coefficient_of_variation,
    arg_max(place_name_zh, value) as highest,
    arg_min(place_name_zh, value) as lowest
from value
group by document, edition, year
having count(*) = (select count(*) from member)
order by year desc, document asc, edition asc

-- “广州都市圈”有多大？同一指标、同一年，在每一种定义下的值，或缺了谁。
-- How large is the Guangzhou circle? One indicator and year under every definition that holds
-- Guangzhou, or who is missing. Definitions overlap: never add them.
with missing as (
    select
        gap.circle_id,
        string_agg(
            distinct coalesce(division.place_name_zh, gap.place_code), '、'
            order by coalesce(division.place_name_zh, gap.place_code)
        ) as places
    from gap
    left join division
        on gap.place_code = division.place_code
        and division.valid_to is null
    where gap.indicator_id = 'gdp' and gap.year = 2021
    group by gap.circle_id
)

select
    value.circle_id,
    value.circle_name_zh,
    round(value.value, 2) as value,
    value.unit,
    value.members_with_data,
    value.members_total,
    missing.places as without_a_value
from circle_indicator_year as value
inner join circle_member as member
    on value.circle_id = member.circle_id
    and member.place_code = '440100'
left join missing
    on value.circle_id = missing.circle_id
where value.indicator_id = 'gdp' and value.year = 2021 and value.vintage = 'latest'
order by value.value desc nulls last, value.circle_id asc

-- Member values of every circle, indicator, year and vintage: the rows a circle value is made of.
with joined as (
    select
        member.circle_id,
        cell.indicator_id,
        cell.year,
        cell.vintage,
        member.place_code,
        member.weight,
        member.province_code,
        member.members_total,
        cell.document,
        cell.edition,
        cell.published_on_precision,
        cell.status,
        cell.unit,
        cell.value,
        cell.value_low,
        cell.value_high,
        cell.fact_id,
        cell.is_estimate or member.weight < 1 as is_estimate,
        row_number() over (
            partition by
                member.circle_id,
                member.place_code,
                cell.indicator_id,
                cell.year,
                cell.vintage
            order by case when member.is_predecessor then 1 else 0 end, member.value_code
        ) as choice
    from {{ ref('int_circle__member') }} as member
    inner join {{ ref('int_policy__cells') }} as cell
        on member.value_code = cell.place_code
)

select
    circle_id,
    indicator_id,
    year,
    vintage,
    place_code,
    weight,
    province_code,
    members_total,
    document,
    edition,
    published_on_precision,
    status,
    unit,
    value,
    value_low,
    value_high,
    fact_id,
    is_estimate
from joined
where choice = 1

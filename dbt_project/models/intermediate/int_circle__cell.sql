-- Member values of every circle, indicator, year and vintage: the rows a circle value is made of.
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
    cell.unit,
    cell.value,
    cell.value_low,
    cell.value_high,
    cell.fact_id,
    cell.is_estimate or member.weight < 1 as is_estimate
from {{ ref('int_circle__member') }} as member
inner join {{ ref('int_policy__cells') }} as cell
    on member.place_code = cell.place_code

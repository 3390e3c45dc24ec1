-- Every value under the policy `latest` that a target can be held against, and whether it rests on
-- a preliminary figure.
with target as (
    select *
    from {{ ref('stg_publications__policy_target') }}
    where
        is_quantitative
        and area_id is not null
        and indicator_id is not null
),

preliminary_cell as (
    select
        place_code as area_id,
        indicator_id,
        year
    from {{ ref('int_policy__cells') }}
    where
        vintage = 'latest'
        and status = 'preliminary'
    union all
    select
        member.circle_id as area_id,
        cell.indicator_id,
        cell.year
    from {{ ref('int_circle__member') }} as member
    inner join {{ ref('int_policy__cells') }} as cell
        on member.place_code = cell.place_code
    where
        cell.vintage = 'latest'
        and cell.status = 'preliminary'
),

preliminary as (
    select distinct
        preliminary_cell.area_id,
        part.indicator_id,
        preliminary_cell.year
    from preliminary_cell
    inner join {{ ref('int_publications__part') }} as part
        on preliminary_cell.indicator_id = part.part_id
)

select
    target.target_id,
    area_value.year,
    area_value.value,
    area_value.edition_min,
    area_value.edition_max,
    area_value.is_mixed_vintage,
    area_value.fact_id,
    preliminary.area_id is not null as is_preliminary,
    (target.target_low is null or area_value.value >= target.target_low)
    and (not target.is_high_binding or area_value.value <= target.target_high) as is_met
from target
inner join {{ ref('int_publications__area_value') }} as area_value
    on target.area_id = area_value.area_id
    and target.indicator_id = area_value.indicator_id
left join preliminary
    on area_value.area_id = preliminary.area_id
    and area_value.indicator_id = preliminary.indicator_id
    and area_value.year = preliminary.year
where
    area_value.vintage = 'latest'
    and area_value.value is not null

-- What printed figures and policy targets need and nobody supplied: the places, indicators and years
-- of every figure that no vintage can answer, and of every target whose horizon has passed. That a
-- figure fits others of its own document is no answer. A circle needs its members, a ratio both its
-- parts, a share of the province the province's own value.
with unanswered as (
    select figure_id
    from {{ ref('int_publications__figure_status') }}
    group by figure_id
    having min(case when status = 'not_computable' or vintage = 'same_document' then 1 else 0 end) = 1
),

need as (
    select
        figure.figure_id as needed_by,
        figure.place_code,
        figure.circle_id,
        figure.indicator_id,
        figure.year
    from {{ ref('stg_publications__printed_figure') }} as figure
    inner join unanswered
        on figure.figure_id = unanswered.figure_id
    union all
    select
        target.target_id as needed_by,
        target.place_code,
        target.circle_id,
        target.indicator_id,
        target.horizon_year as year
    from {{ ref('stg_publications__policy_target') }} as target
    inner join {{ ref('int_publications__target_status') }} as judged
        on target.target_id = judged.target_id
    where
        judged.has_passed
        and judged.status in ('no_final_data', 'not_measurable')
),

place as (
    select
        needed_by,
        indicator_id,
        year,
        place_code,
        place_code as value_code
    from need
    where circle_id is null
    union all
    select
        need.needed_by,
        need.indicator_id,
        need.year,
        member.place_code,
        member.value_code
    from need
    inner join {{ ref('int_circle__member') }} as member
        on need.circle_id = member.circle_id
),

cell as (
    select
        place.needed_by,
        part.part_id as indicator_id,
        place.year,
        case
            when part.is_provincial then substr(place.place_code, 1, 2) || '0000'
            else place.place_code
        end as place_code,
        case
            when part.is_provincial then substr(place.place_code, 1, 2) || '0000'
            else place.value_code
        end as value_code
    from place
    inner join {{ ref('int_publications__part') }} as part
        on place.indicator_id = part.indicator_id
    where
        place.place_code is not null
        and place.year is not null
),

held as (
    select distinct
        place_code,
        indicator_id,
        data_year
    from {{ ref('int_indicator__vintages') }}
)

select
    cell.place_code,
    cell.indicator_id,
    cell.year,
    cell.needed_by
from cell
left join held
    on cell.value_code = held.place_code
    and cell.indicator_id = held.indicator_id
    and cell.year = held.data_year
group by
    cell.place_code,
    cell.indicator_id,
    cell.year,
    cell.needed_by
having count(held.place_code) = 0

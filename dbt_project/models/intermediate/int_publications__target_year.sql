-- How the years of a target went: at its horizon, and in the years of the plan.
select
    measured.target_id,
    max(case when measured.year = target.horizon_year and not measured.is_preliminary then 1 else 0 end)
        as horizon_is_final,
    max(
        case
            when
                measured.year = target.horizon_year
                and not measured.is_preliminary
                and measured.is_met
                then 1
            else 0
        end
    ) as horizon_is_met,
    sum(
        case
            when
                measured.year between target.start_year and target.horizon_year
                and not measured.is_preliminary
                then 1
            else 0
        end
    ) as years_final,
    sum(
        case
            when
                measured.year between target.start_year and target.horizon_year
                and not measured.is_preliminary
                and not measured.is_met
                then 1
            else 0
        end
    ) as years_short,
    {{ dbt.listagg(
        "case when measured.year >= target.start_year - 3 then cast(measured.year as varchar(4)) || ': ' || "
        ~ shown('measured.value', 2) ~ " end",
        "', '", 'order by measured.year') }} as values_by_year
from {{ ref('int_publications__target_value') }} as measured
inner join {{ ref('stg_publications__policy_target') }} as target
    on measured.target_id = target.target_id
group by measured.target_id

-- What is known of a target, one row each, before it is judged.
-- A horizon has passed when the warehouse holds a document published after it: no clock is read.
with today as (
    select max(published_on) as as_of
    from {{ ref('stg_registry__document') }}
),

-- Years of the plan for which only the R&D expenditure of another document is known: told, not counted.
printed as (
    select
        target.target_id,
        {{ dbt.listagg(
            "cast(printed.year as varchar(4)) || ': ' || " ~ shown('printed.rd_intensity', 2)
            ~ " || ' with the R&D expenditure that ' || printed.document || ' prints'",
            "', '", 'order by printed.year, printed.document') }} as told
    from {{ ref('stg_publications__policy_target') }} as target
    inner join {{ ref('int_publications__printed_rd') }} as printed
        on target.circle_id = printed.circle_id
        and printed.year between target.start_year and target.horizon_year
        and printed.vintage = 'latest'
        and printed.members_with_data = printed.members_total
    where target.indicator_id = 'rd_intensity'
    group by target.target_id
)

select
    target.target_id,
    target.is_quantitative,
    target.is_rate,
    target.is_every_year,
    target.start_year,
    target.horizon_year,
    target.target_value,
    target.place_reason,
    target.indicator_reason,
    rail.told as by_rail,
    pace.latest_year,
    pace.latest_value,
    pace.is_preliminary,
    pace.is_met,
    pace.fact_id,
    pace.earlier_year,
    pace.observed_annual_change,
    years.horizon_is_final = 1 as horizon_is_final,
    years.horizon_is_met = 1 as horizon_is_met,
    years.years_final,
    years.years_short,
    years.values_by_year || coalesce('; ' || printed.told, '') as values_by_year,
    target.horizon_year - target.start_year + 1 as years_wanted,
    coalesce(target.horizon_year < extract(year from today.as_of), false) as has_passed,
    case
        when
            pace.latest_value is null
            or target.horizon_year is null
            or target.horizon_year <= pace.latest_year
            or target.horizon_year < extract(year from today.as_of)
            then null
        when target.is_rate
            then
                cast(target.target_value - pace.latest_value as double)
                / (target.horizon_year - pace.latest_year)
        else
            100 * (
                power(
                    cast(target.target_value as double) / cast(pace.latest_value as double),
                    cast(1 as double) / (target.horizon_year - pace.latest_year)
                ) - 1
            )
    end as required_annual_change,
    100 * (cast(pace.latest_value as double) / cast(target.target_value as double) - 1) as gap_pct
from {{ ref('stg_publications__policy_target') }} as target
cross join today
left join {{ ref('int_publications__target_pace') }} as pace
    on target.target_id = pace.target_id
left join {{ ref('int_publications__target_year') }} as years
    on target.target_id = years.target_id
left join printed
    on target.target_id = printed.target_id
left join {{ ref('int_publications__target_rail') }} as rail
    on target.target_id = rail.target_id

-- The individual index: linear between the breakpoints of the day, rounded up (HJ 633-2012, 4.3).
-- Above the last breakpoint the index stays at 500; ozone above 800 has no 8-hour index.
with concentration as (
    select * from {{ ref('int_air__concentration') }}
),

segment as (
    select * from {{ ref('int_air__segment') }}
),

placed as (
    select
        concentration.fact_id,
        concentration.pollutant,
        segment.standard,
        concentration.concentration,
        segment.iaqi_low,
        segment.iaqi_high,
        segment.concentration_low,
        segment.concentration_high
    from concentration
    inner join segment
        on concentration.pollutant = segment.pollutant
        and concentration.observed_on >= segment.valid_from
        and (segment.valid_to is null or concentration.observed_on <= segment.valid_to)
        and (
            concentration.concentration > segment.concentration_low
            or (concentration.concentration = 0 and segment.concentration_low = 0)
        )
        and (
            concentration.concentration <= segment.concentration_high
            or segment.iaqi_high = 500
        )
)

select
    fact_id,
    pollutant,
    standard,
    concentration,
    cast(
        case
            when concentration > concentration_high then 500
            else iaqi_low + {{ next_whole(
                'cast((iaqi_high - iaqi_low) * (concentration - concentration_low) as double)'
                ' / cast(concentration_high - concentration_low as double)'
            ) }}
        end as integer
    ) as iaqi
from placed

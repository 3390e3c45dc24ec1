-- Segments between two neighbouring breakpoints of the daily report. They are continuous
-- (35 to 75, not 36 to 75); the lower end belongs to the segment below, except at zero.
with breakpoint as (
    select *
    from {{ ref('stg_environment__breakpoint') }}
    where report = 'daily'
)

select
    lower_end.standard,
    lower_end.pollutant,
    lower_end.valid_from,
    lower_end.valid_to,
    lower_end.iaqi as iaqi_low,
    upper_end.iaqi as iaqi_high,
    lower_end.concentration as concentration_low,
    upper_end.concentration as concentration_high
from breakpoint as lower_end
inner join breakpoint as upper_end
    on lower_end.standard = upper_end.standard
    and lower_end.pollutant = upper_end.pollutant
    and lower_end.valid_from = upper_end.valid_from
    and lower_end.iaqi < upper_end.iaqi
left join breakpoint as between_them
    on lower_end.standard = between_them.standard
    and lower_end.pollutant = between_them.pollutant
    and lower_end.valid_from = between_them.valid_from
    and lower_end.iaqi < between_them.iaqi
    and upper_end.iaqi > between_them.iaqi
where between_them.iaqi is null

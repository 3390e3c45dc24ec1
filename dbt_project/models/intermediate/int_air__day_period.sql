-- Each day in its month and in its year.
select
    period.period_id,
    day.fact_id,
    day.observed_on
from {{ ref('int_air__series_period') }} as period
inner join {{ ref('int_air__city_day') }} as day
    on period.place_code = day.place_code
    and period.document = day.document
    and period.edition = day.edition
    and period.network = day.network
    and period.period_start <= day.observed_on
    and period.period_end >= day.observed_on

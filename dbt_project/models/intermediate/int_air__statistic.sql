-- Means and percentiles of daily values per period (HJ 663-2013). The percentile is A.6: at place
-- k = 1 + (n - 1) * p of the sorted days, linear between two days. It is written with exact
-- decimals: a percentile over doubles misses ties such as 155.5 by float noise.
-- A year is valid with 324 days and 27 in every month (25 in February); a month with 27 (25).
with day_value as (
    select
        period.place_code,
        period.document,
        period.edition,
        period.network,
        period.state,
        period.period_type,
        period.period_start,
        period.period_end,
        period.observed_on,
        value.pollutant,
        value.concentration
    from {{ ref('int_air__day_period') }} as period
    inner join {{ ref('int_air__concentration') }} as value
        on period.fact_id = value.fact_id
),

monthly as (
    select
        place_code,
        document,
        edition,
        network,
        state,
        period_type,
        period_start,
        period_end,
        pollutant,
        extract(month from observed_on) as month_number,
        count(*) as month_days
    from day_value
    group by
        place_code, document, edition, network, state, period_type, period_start, period_end,
        pollutant, extract(month from observed_on)
),

coverage as (
    select
        place_code,
        document,
        edition,
        network,
        state,
        period_type,
        period_start,
        period_end,
        pollutant,
        count(*) as months,
        sum(case when month_days >= case when month_number = 2 then 25 else 27 end then 1 else 0 end)
            as valid_months
    from monthly
    group by
        place_code, document, edition, network, state, period_type, period_start, period_end,
        pollutant
),

ranked as (
    select
        *,
        case when pollutant = 'co' then 0.95 else 0.90 end as share,
        row_number() over (
            partition by
                place_code, document, edition, network, state, period_type, period_start,
                period_end, pollutant
            order by concentration, observed_on
        ) as position,
        count(*) over (
            partition by
                place_code, document, edition, network, state, period_type, period_start,
                period_end, pollutant
        ) as days
    from day_value
),

located as (
    select
        *,
        cast(1 + (days - 1) * cast(share as decimal(3, 2)) as decimal(12, 2)) as place_of_percentile
    from ranked
),

summed as (
    select
        place_code,
        document,
        edition,
        network,
        state,
        period_type,
        period_start,
        period_end,
        pollutant,
        max(days) as days,
        {{ ratio('sum(concentration)', 'max(days)', '1') }} as mean_value,
        sum(
            case
                when position = floor(place_of_percentile)
                    then concentration * (1 - (place_of_percentile - floor(place_of_percentile)))
                when position = floor(place_of_percentile) + 1
                    then concentration * (place_of_percentile - floor(place_of_percentile))
            end
        ) as percentile_value
    from located
    group by
        place_code, document, edition, network, state, period_type, period_start, period_end,
        pollutant
)

select
    summed.place_code,
    summed.document,
    summed.edition,
    summed.network,
    summed.state,
    summed.period_type,
    summed.period_start,
    summed.period_end,
    summed.pollutant,
    cast(summed.days as integer) as days,
    {{ half_even('summed.mean_value') }} as mean_value,
    case
        when summed.pollutant = 'co' then {{ half_even('summed.percentile_value', 1) }}
        else {{ half_even('summed.percentile_value') }}
    end as percentile_value,
    case
        when summed.period_type = 'month' then coverage.valid_months = 1
        else summed.days >= 324 and coverage.valid_months = 12
    end as is_valid
from summed
inner join coverage
    on summed.place_code = coverage.place_code
    and summed.document = coverage.document
    and summed.edition = coverage.edition
    and summed.network = coverage.network
    and summed.state = coverage.state
    and summed.period_type = coverage.period_type
    and summed.period_start = coverage.period_start
    and summed.period_end = coverage.period_end
    and summed.pollutant = coverage.pollutant

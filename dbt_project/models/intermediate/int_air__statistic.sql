-- Mean and percentile of a pollutant's daily values per period (HJ 663-2013), one shape for all: what
-- differs stands in seed air_evaluation. The percentile is A.6: at place k = 1 + (n - 1) * p of the
-- sorted days, linear between two days. It is written with exact decimals: a percentile over doubles
-- misses ties such as 155.5 by float noise. A year is valid with 324 days and 27 in every month (25
-- in February), a month with 27 (25); a number of days that rests on the period alone.
with day_value as (
    select
        period.period_id,
        value.pollutant,
        period.observed_on,
        value.concentration
    from {{ ref('int_air__day_period') }} as period
    inner join {{ ref('int_air__concentration') }} as value
        on period.fact_id = value.fact_id
),

monthly as (
    select
        period_id,
        pollutant,
        extract(month from observed_on) as month_number,
        count(*) as month_days
    from day_value
    group by period_id, pollutant, extract(month from observed_on)
),

coverage as (
    select
        monthly.period_id,
        monthly.pollutant,
        sum(monthly.month_days) as days,
        sum(
            case
                when monthly.month_days >= case
                    when monthly.month_number = 2 then validity.days_of_february
                    else validity.days_of_month
                end then 1
                else 0
            end
        ) as valid_months,
        max(validity.days_of_year) as days_of_year,
        max(evaluation.percentile) as percentile,
        max(evaluation.decimals) as decimals,
        max(evaluation.statistic) as statistic,
        max(period.period_type) as period_type
    from monthly
    inner join {{ ref('int_air__series_period') }} as period
        on monthly.period_id = period.period_id
    inner join {{ ref('air_validity') }} as validity
        on period.period_end >= validity.valid_from
        and period.period_end <= validity.valid_to
    inner join {{ ref('air_evaluation') }} as evaluation
        on monthly.pollutant = evaluation.pollutant
        and period.period_end >= evaluation.valid_from
        and period.period_end <= evaluation.valid_to
    group by monthly.period_id, monthly.pollutant
),

located as (
    select
        day_value.*,
        row_number() over (
            partition by day_value.period_id, day_value.pollutant
            order by day_value.concentration, day_value.observed_on
        ) as position,
        cast(
            1 + (coverage.days - 1) * cast(coverage.percentile as decimal(3, 2)) as decimal(12, 2)
        ) as place_of_percentile
    from day_value
    inner join coverage
        on day_value.period_id = coverage.period_id
        and day_value.pollutant = coverage.pollutant
),

summed as (
    select
        period_id,
        pollutant,
        {{ ratio('sum(concentration)', 'count(*)', '1') }} as mean_value,
        sum(
            case
                when position = floor(place_of_percentile)
                    then concentration * (1 - (place_of_percentile - floor(place_of_percentile)))
                when position = floor(place_of_percentile) + 1
                    then concentration * (place_of_percentile - floor(place_of_percentile))
            end
        ) as percentile_value
    from located
    group by period_id, pollutant
),

rounded as (
    select
        summed.period_id,
        summed.pollutant,
        coverage.days,
        coverage.statistic,
        coverage.period_type,
        coverage.valid_months,
        coverage.days_of_year,
        summed.mean_value as mean_unrounded,
        case
            when coverage.decimals = 1 then {{ half_even('summed.mean_value', 1) }}
            else {{ half_even('summed.mean_value') }}
        end as mean_value,
        case
            when coverage.decimals = 1 then {{ half_even('summed.percentile_value', 1) }}
            else {{ half_even('summed.percentile_value') }}
        end as percentile_value
    from summed
    inner join coverage
        on summed.period_id = coverage.period_id
        and summed.pollutant = coverage.pollutant
)

select
    period_id,
    pollutant,
    cast(days as integer) as days,
    mean_unrounded,
    mean_value,
    percentile_value,
    case when statistic = 'percentile' then percentile_value else mean_value end as statistic_value,
    case
        when period_type = 'month' then valid_months = 1
        else days >= days_of_year and valid_months = 12
    end as is_valid
from rounded

-- Statistics of a city and period from its daily records: days by the recomputed index, means and
-- percentiles where HJ 663-2013 finds them valid, and the composite index (环办〔2014〕64号): each
-- statistic over its limit, rounded to two decimals, then added.
with days as (
    select
        period.period_id,
        max(day.source_kind) as source_kind,
        max(day.snapshot_id) as snapshot_id,
        max(day.made_of) as made_of,
        sum(case when day.is_official then 1 else 0 end) as valid_days,
        sum(case when day.is_official and day.aqi <= 100 then 1 else 0 end) as good_days
    from {{ ref('int_air__day_period') }} as period
    inner join {{ ref('int_air__day') }} as day
        on period.fact_id = day.fact_id
    group by period.period_id
),

statistic as (
    select
        statistic.period_id,
        statistic.pollutant,
        statistic.statistic_value as statistic,
        period.period_start,
        period.period_end
    from {{ ref('int_air__statistic') }} as statistic
    inner join {{ ref('int_air__series_period') }} as period
        on statistic.period_id = period.period_id
    where
        statistic.is_valid
        and period.state <> 'mixed'
),

divided as (
    select
        statistic.*,
        {{ ratio('statistic.statistic', 'divisor.limit_value', '1') }} as single_index
    from statistic
    left join {{ ref('stg_environment__limit') }} as divisor
        on statistic.pollutant = divisor.pollutant
        and divisor.purpose = 'composite_index'
        and statistic.period_start >= divisor.valid_from
        and (divisor.valid_to is null or statistic.period_end <= divisor.valid_to)
),

wide as (
    select
        period_id,
        max(case when pollutant = 'pm25' then statistic end) as pm25_ugm3,
        max(case when pollutant = 'pm10' then statistic end) as pm10_ugm3,
        max(case when pollutant = 'so2' then statistic end) as so2_ugm3,
        max(case when pollutant = 'no2' then statistic end) as no2_ugm3,
        max(case when pollutant = 'co' then statistic end) as co_p95_mgm3,
        max(case when pollutant = 'o3_8h' then statistic end) as o3_8h_p90_ugm3,
        -- All six or none: five would pass for clean air.
        case
            when count(single_index) = 6 then sum({{ half_even('single_index', 2) }})
        end as composite_index
    from divided
    group by period_id
),

rated as (
    select
        *,
        case
            when valid_days > 0
                then {{ ratio('good_days', 'valid_days', '100') }}
        end as rate
    from days
)

select
    period.place_code,
    period.document,
    period.edition,
    period.network,
    period.state,
    period.period_type,
    period.period_start,
    period.period_end,
    rated.source_kind,
    rated.snapshot_id,
    rated.made_of,
    cast(rated.good_days as integer) as good_days,
    cast(rated.valid_days as integer) as valid_days,
    {{ half_even('rated.rate', 1) }} as aqi_rate_pct,
    wide.pm25_ugm3,
    wide.pm10_ugm3,
    wide.so2_ugm3,
    wide.no2_ugm3,
    wide.co_p95_mgm3,
    wide.o3_8h_p90_ugm3,
    wide.composite_index,
    case
        when period.state = 'mixed'
            then 'the state of concentrations changed within the period (2018-09-01)'
        when period.period_type = 'month'
            then 'HJ 663-2013 evaluates years; a month is made by the same rule'
        when rated.made_of = 'city_hours'
            then 'made of hourly city values: the standard takes the mean of the stations'' days'
        when
            wide.pm25_ugm3 is null
            or wide.pm10_ugm3 is null
            or wide.so2_ugm3 is null
            or wide.no2_ugm3 is null
            or wide.co_p95_mgm3 is null
            or wide.o3_8h_p90_ugm3 is null
            then 'fewer valid days than HJ 663-2013 asks for (324 a year, 27 a month, 25 in February)'
    end as not_official_reason
from rated
inner join {{ ref('int_air__series_period') }} as period
    on rated.period_id = period.period_id
left join wide
    on rated.period_id = wide.period_id

-- Members of circles that are whole cities, with what is printed or recomputed of each.
with city as (
    select
        member.circle_id,
        period.document,
        period.basis,
        period.network,
        period.period_type,
        period.period_start,
        period.period_end,
        period.place_code,
        period.aqi_rate_pct,
        period.good_days,
        period.valid_days,
        period.pm25_ugm3
    from {{ ref('air_city_period') }} as period
    inner join {{ ref('circle_member') }} as member
        on period.place_code = member.place_code
    where
        member.coverage = 'whole'
        and (period.basis = 'published' or period.valid_days is not null)
),

-- Days of all cities in one pot: a city counts by its days.
pooled as (
    select
        member.circle_id,
        period.document,
        period.network,
        period.period_type,
        period.period_start,
        {{ ratio('sum(value.concentration)', 'count(*)', '1') }} as pm25_pooled,
        count(distinct period.place_code) as cities_pooled
    from {{ ref('int_air__series_period') }} as period
    inner join {{ ref('int_air__day_period') }} as day
        on period.period_id = day.period_id
    inner join {{ ref('int_air__concentration') }} as value
        on day.fact_id = value.fact_id
        and value.pollutant = 'pm25'
    inner join {{ ref('circle_member') }} as member
        on period.place_code = member.place_code
    where member.coverage = 'whole'
    group by
        member.circle_id, period.document, period.network, period.period_type, period.period_start
),

meaned as (
    select
        circle_id,
        document,
        basis,
        network,
        period_type,
        period_start,
        period_end,
        count(aqi_rate_pct) as cities_with_rate,
        count(pm25_ugm3) as cities_with_pm25,
        {{ ratio('sum(cast(aqi_rate_pct as decimal(18, 4)))', 'nullif(count(aqi_rate_pct), 0)', '1') }}
            as aqi_rate_mean,
        {{ ratio('sum(good_days)', 'nullif(sum(valid_days), 0)', '100') }} as aqi_rate_pooled,
        {{ ratio('sum(cast(pm25_ugm3 as decimal(18, 4)))', 'nullif(count(pm25_ugm3), 0)', '1') }}
            as pm25_mean
    from city
    group by circle_id, document, basis, network, period_type, period_start, period_end
)

select
    meaned.circle_id,
    meaned.period_start,
    meaned.period_end,
    meaned.basis,
    meaned.network,
    meaned.document,
    circle.circle_name_zh,
    circle.circle_name_en,
    meaned.period_type,
    circle.members_total,
    cast(meaned.cities_with_rate as integer) as cities_with_rate,
    cast(meaned.cities_with_pm25 as integer) as cities_with_pm25,
    cast(case when meaned.basis = 'recomputed' then pooled.cities_pooled end as integer)
        as cities_pooled,
    meaned.cities_with_rate < circle.members_total as is_partial,
    {{ published('meaned.aqi_rate_mean') }} as aqi_rate_mean_pct,
    {{ published('meaned.aqi_rate_pooled') }} as aqi_rate_pooled_pct,
    {{ published('meaned.pm25_mean') }} as pm25_mean_ugm3,
    {{ published("case when meaned.basis = 'recomputed' then pooled.pm25_pooled end") }}
        as pm25_pooled_ugm3
from meaned
inner join {{ ref('circle') }} as circle
    on meaned.circle_id = circle.circle_id
left join pooled
    on meaned.circle_id = pooled.circle_id
    and meaned.document = pooled.document
    and meaned.network = pooled.network
    and meaned.period_type = pooled.period_type
    and meaned.period_start = pooled.period_start

-- What a bulletin's printed city values say about its ranks and about the province: competition
-- ranks (equal values share the better place), and the plain mean of all cities (rate to one
-- decimal, particles to a whole number). Nothing where a city's value is absent.
with published as (
    select * from {{ ref('int_air__period_published') }}
    where not is_relay
),

city as (
    select *
    from published
    where place_code <> '440000'
),

ranked as (
    select
        *,
        count(aqi_rate_pct) over (partition by document, edition, period_start, period_end) as rates,
        count(pm25_ugm3) over (partition by document, edition, period_start, period_end) as means,
        count(composite_index) over (partition by document, edition, period_start, period_end)
            as indices,
        rank() over (
            partition by document, edition, period_start, period_end
            order by pm25_ugm3
        ) as by_pm25,
        rank() over (
            partition by document, edition, period_start, period_end
            order by aqi_rate_pct desc, pm25_ugm3 asc
        ) as by_rate,
        rank() over (
            partition by document, edition, period_start, period_end
            order by composite_index
        ) as by_index
    from city
),

province as (
    select
        document,
        edition,
        network,
        state,
        period_type,
        period_start,
        period_end,
        max(source_kind) as source_kind,
        max(snapshot_id) as snapshot_id,
        case
            when count(aqi_rate_pct) = 21
                then {{ ratio('sum(aqi_rate_pct)', 'count(aqi_rate_pct)', '1') }}
        end as aqi_rate_mean,
        case
            when count(pm25_ugm3) = 21
                then {{ ratio('sum(pm25_ugm3)', 'count(pm25_ugm3)', '1') }}
        end as pm25_mean,
        case
            when count(pm10_ugm3) = 21
                then {{ ratio('sum(pm10_ugm3)', 'count(pm10_ugm3)', '1') }}
        end as pm10_mean
    from city
    where place_code like '44%'
    group by document, edition, network, state, period_type, period_start, period_end
)

select
    place_code,
    document,
    edition,
    network,
    state,
    period_type,
    period_start,
    period_end,
    source_kind,
    snapshot_id,
    cast(null as decimal(18, 4)) as aqi_rate_pct,
    cast(null as decimal(18, 4)) as pm25_ugm3,
    cast(null as decimal(18, 4)) as pm10_ugm3,
    cast(case when means = 21 then by_pm25 end as integer) as pm25_rank,
    cast(case when rates = 21 and means = 21 then by_rate end as integer) as aqi_rank,
    cast(case when indices = 21 then by_index end as integer) as composite_index_rank,
    'ranks of the printed city values' as method
from ranked
union all
select
    '440000' as place_code,
    document,
    edition,
    network,
    state,
    period_type,
    period_start,
    period_end,
    source_kind,
    snapshot_id,
    {{ half_even('aqi_rate_mean', 1) }} as aqi_rate_pct,
    {{ half_even('pm25_mean') }} as pm25_ugm3,
    {{ half_even('pm10_mean') }} as pm10_ugm3,
    cast(null as integer) as pm25_rank,
    cast(null as integer) as aqi_rank,
    cast(null as integer) as composite_index_rank,
    'plain mean of the printed city values' as method
from province

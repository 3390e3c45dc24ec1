-- What an authority printed about the air of a place and period, one row per measure, with the
-- interval that its digits leave open: bulletins, and the annual figures of the papers.
with registered as (
    select
        document,
        max(case when relays then 1 else 0 end) as relays
    from {{ ref('stg_registry__document') }}
    group by document
),

bulletin as (
    select
        bulletin.place_code,
        bulletin.period_type,
        bulletin.period_start,
        bulletin.period_end,
        bulletin.measure,
        bulletin.document,
        bulletin.edition,
        bulletin.network,
        bulletin.state,
        bulletin.locator,
        bulletin.value_text,
        bulletin.value,
        power(cast(10 as double), -bulletin.decimals) as step
    from {{ ref('stg_environment__bulletin') }} as bulletin
    left join registered
        on bulletin.document = registered.document
    where
        coalesce(registered.relays, 0) = 0
        and bulletin.value is not null
        and bulletin.measure in (
            'aqi_rate_pct', 'pm25_ugm3', 'pm10_ugm3', 'no2_ugm3', 'o3_8h_p90_ugm3',
            'composite_index'
        )
),

figure as (
    select
        place_code,
        'year' as period_type,
        cast(cast(year as varchar(4)) || '-01-01' as date) as period_start,
        cast(cast(year as varchar(4)) || '-12-31' as date) as period_end,
        case indicator_raw
            when 'PM2.5年平均浓度' then 'pm25_ugm3'
            when 'AQI达标率' then 'aqi_rate_pct'
            when '空气质量优良天数' then 'good_days'
        end as measure,
        document,
        cast('undated' as varchar(20)) as edition,
        cast(null as varchar(40)) as network,
        cast(null as varchar(40)) as state,
        locator,
        value_text,
        number as value,
        cast(step as double) as step
    from {{ ref('stg_publications__printed_figure') }}
    where
        indicator_raw in ('PM2.5年平均浓度', 'AQI达标率', '空气质量优良天数')
        and number is not null
        and place_code is not null
        and year is not null
),

unioned as (
    select * from bulletin
    union all
    select * from figure
)

select
    *,
    {{ measure('value - cast(step as decimal(18, 10)) / 2') }} as interval_low,
    {{ measure('value + cast(step as decimal(18, 10)) / 2') }} as interval_high
from unioned

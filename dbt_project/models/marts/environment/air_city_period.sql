with published as (
    select
        place_code,
        period_start,
        period_end,
        'published' as basis,
        network,
        document,
        period_type,
        edition,
        state,
        aqi_rate_pct,
        aqi_rate_decimals,
        cast(null as integer) as good_days,
        cast(null as integer) as valid_days,
        pm25_ugm3,
        pm10_ugm3,
        o3_8h_p90_ugm3,
        no2_ugm3,
        cast(null as decimal(18, 4)) as so2_ugm3,
        cast(null as decimal(18, 4)) as co_p95_mgm3,
        composite_index,
        composite_index_decimals,
        cast(composite_index_rank as integer) as composite_index_rank,
        composite_index_change_pct,
        cast(pm25_rank as integer) as pm25_rank,
        cast(aqi_rank as integer) as aqi_rank,
        cast(null as varchar(200)) as method,
        cast(null as varchar(200)) as not_official_reason,
        source_kind,
        snapshot_id,
        locator
    from {{ ref('int_air__period_published') }}
    -- What a third party made of the platform's values is neither; air_reconciliation has it.
    where not is_relay
),

from_bulletin as (
    select
        place_code,
        period_start,
        period_end,
        'recomputed' as basis,
        network,
        document,
        period_type,
        edition,
        state,
        aqi_rate_pct,
        cast(case when aqi_rate_pct is not null then 1 end as integer) as aqi_rate_decimals,
        cast(null as integer) as good_days,
        cast(null as integer) as valid_days,
        pm25_ugm3,
        pm10_ugm3,
        cast(null as decimal(18, 4)) as o3_8h_p90_ugm3,
        cast(null as decimal(18, 4)) as no2_ugm3,
        cast(null as decimal(18, 4)) as so2_ugm3,
        cast(null as decimal(18, 4)) as co_p95_mgm3,
        cast(null as decimal(18, 4)) as composite_index,
        cast(null as integer) as composite_index_decimals,
        composite_index_rank,
        cast(null as decimal(18, 4)) as composite_index_change_pct,
        pm25_rank,
        aqi_rank,
        method,
        'made from the values of the same bulletin' as not_official_reason,
        source_kind,
        snapshot_id,
        cast(null as varchar(200)) as locator
    from {{ ref('int_air__period_ranked') }}
),

from_days as (
    select
        place_code,
        period_start,
        period_end,
        'recomputed' as basis,
        network,
        document,
        period_type,
        edition,
        state,
        aqi_rate_pct,
        cast(1 as integer) as aqi_rate_decimals,
        good_days,
        valid_days,
        pm25_ugm3,
        pm10_ugm3,
        o3_8h_p90_ugm3,
        no2_ugm3,
        so2_ugm3,
        co_p95_mgm3,
        composite_index,
        cast(case when composite_index is not null then 2 end as integer)
            as composite_index_decimals,
        cast(null as integer) as composite_index_rank,
        cast(null as decimal(18, 4)) as composite_index_change_pct,
        cast(null as integer) as pm25_rank,
        cast(null as integer) as aqi_rank,
        'HJ 663-2013 from ' || case made_of
            when 'day' then 'daily records'
            when 'station_hours' then 'hours of stations'
            else 'hourly city values'
        end || ', index by HJ 633-2012' as method,
        not_official_reason,
        source_kind,
        snapshot_id,
        cast(null as varchar(200)) as locator
    from {{ ref('int_air__period_recomputed') }}
),

unioned as (
    select * from published
    union all
    select * from from_bulletin
    union all
    select * from from_days
)

select
    unioned.place_code,
    unioned.period_start,
    unioned.period_end,
    unioned.basis,
    unioned.network,
    unioned.document,
    place.place_name_zh,
    place.place_name_en,
    unioned.period_type,
    unioned.edition,
    unioned.state,
    {{ published('unioned.aqi_rate_pct') }} as aqi_rate_pct,
    unioned.aqi_rate_decimals,
    unioned.good_days,
    unioned.valid_days,
    {{ published('unioned.pm25_ugm3') }} as pm25_ugm3,
    {{ published('unioned.pm10_ugm3') }} as pm10_ugm3,
    {{ published('unioned.o3_8h_p90_ugm3') }} as o3_8h_p90_ugm3,
    {{ published('unioned.no2_ugm3') }} as no2_ugm3,
    {{ published('unioned.so2_ugm3') }} as so2_ugm3,
    {{ published('unioned.co_p95_mgm3') }} as co_p95_mgm3,
    {{ published('unioned.composite_index') }} as composite_index,
    unioned.composite_index_decimals,
    unioned.composite_index_rank,
    {{ published('unioned.composite_index_change_pct') }} as composite_index_change_pct,
    unioned.pm25_rank,
    unioned.aqi_rank,
    unioned.method,
    unioned.not_official_reason is null as is_official,
    unioned.not_official_reason,
    unioned.source_kind,
    unioned.snapshot_id,
    unioned.locator
from unioned
left join {{ ref('int_air__place') }} as place
    on unioned.place_code = place.place_code

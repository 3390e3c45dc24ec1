-- What daily values, hours or a third party's means make of a place and period, one row per measure,
-- unrounded where it can be: value_low and value_high differ only where the input is itself rounded.
with period as (
    select * from {{ ref('int_air__series_period') }}
),

made as (
    select * from {{ ref('int_air__period_recomputed') }}
),

statistic as (
    select
        statistic.period_id,
        case statistic.pollutant
            when 'pm25' then 'pm25_ugm3'
            when 'pm10' then 'pm10_ugm3'
            when 'so2' then 'so2_ugm3'
            when 'no2' then 'no2_ugm3'
            when 'co' then 'co_p95_mgm3'
            else 'o3_8h_p90_ugm3'
        end as measure,
        case
            when statistic.pollutant in ('co', 'o3_8h') then statistic.percentile_value
            else statistic.mean_unrounded
        end as value,
        statistic.days,
        statistic.is_valid
    from {{ ref('int_air__statistic') }} as statistic
),

from_days as (
    select
        period.place_code,
        period.period_type,
        period.period_start,
        period.period_end,
        statistic.measure,
        period.document,
        period.edition,
        period.network,
        period.state,
        {{ measure('statistic.value') }} as value,
        {{ measure('statistic.value') }} as value_low,
        {{ measure('statistic.value') }} as value_high,
        statistic.days,
        statistic.is_valid,
        made.made_of,
        made.not_official_reason
    from statistic
    inner join period
        on statistic.period_id = period.period_id
    inner join made
        on period.place_code = made.place_code
        and period.document = made.document
        and period.edition = made.edition
        and period.network = made.network
        and period.period_type = made.period_type
        and period.period_start = made.period_start
    where period.state <> 'mixed'
),

rate as (
    select
        place_code,
        period_type,
        period_start,
        period_end,
        document,
        edition,
        network,
        state,
        good_days,
        valid_days,
        {{ ratio('good_days', 'valid_days', '100') }} as aqi_rate,
        made_of,
        not_official_reason
    from made
    where valid_days > 0
),

from_rates as (
    {% for measure, expression in [
        ('aqi_rate_pct', 'aqi_rate'), ('good_days', 'cast(good_days as decimal(28, 10))')
    ] %}
        select
            place_code,
            period_type,
            period_start,
            period_end,
            '{{ measure }}' as measure,
            document,
            edition,
            network,
            state,
            {{ expression }} as value,
            {{ expression }} as value_low,
            {{ expression }} as value_high,
            valid_days as days,
            true as is_valid,
            made_of,
            not_official_reason
        from rate
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

relayed as (
    select
        place_code,
        period_type,
        period_start,
        period_end,
        measure,
        document,
        edition,
        network,
        state,
        value,
        power(cast(10 as double), -decimals) as step,
        max(case when measure = 'valid_days' then value end) over (
            partition by place_code, document, edition, period_start, period_end
        ) as days
    from {{ ref('stg_environment__bulletin') }}
    where document in (
        select document from {{ ref('stg_registry__document') }}
        where relays
    )
),

from_relays as (
    select
        place_code,
        period_type,
        period_start,
        period_end,
        measure,
        document,
        edition,
        network,
        state,
        {{ measure('value') }} as value,
        {{ measure('value - cast(step as decimal(18, 10)) / 2') }} as value_low,
        {{ measure('value + cast(step as decimal(18, 10)) / 2') }} as value_high,
        cast(days as integer) as days,
        true as is_valid,
        'third_party' as made_of,
        'made of hourly city values by a third party, without rules of validity' as not_official_reason
    from relayed
    where measure in ('pm25_ugm3', 'pm10_ugm3')
)

select * from from_days
union all
select * from from_rates
union all
select * from from_relays

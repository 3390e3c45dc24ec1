-- Every usable printed value in the canonical unit of its indicator, with its rounding interval.
with source as (
    select * from {{ source('lake', 'observation') }}
),

usable as (
    select *
    from source
    where
        superseded_by is null
        and place_code is not null
        and indicator_id is not null
        and unit_id is not null
        and value is not null
),

converted as (
    select
        usable.*,
        indicator.unit,
        cast(extract(year from usable.period_end) as integer) as data_year,
        cast(usable.value as double) as value_raw,
        -- Half a unit of the last printed digit, in the printed unit. Things and persons printed
        -- one by one are counted, not rounded.
        case
            when printed.dimension in ('count', 'persons') and printed.factor = 1 and usable.decimals = 0
                then 0
            else 0.5 * power(cast(10 as double), -usable.decimals)
        end as half_step,
        printed.factor / canonical.factor as multiplier
    from usable
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on usable.indicator_id = indicator.indicator_id
    inner join {{ ref('stg_registry__unit') }} as printed
        on usable.unit_id = printed.unit_id
    inner join {{ ref('stg_registry__unit') }} as canonical
        on indicator.unit_id = canonical.unit_id
        and printed.dimension = canonical.dimension
),

measured as (
    select
        fact_id,
        snapshot_id,
        locator,
        source_kind,
        document,
        edition,
        published_on,
        published_on_precision,
        place_code,
        indicator_id,
        data_year,
        period_end,
        scope,
        status,
        unit,
        value_raw,
        unit_raw,
        value_text,
        decimals,
        correction_id,
        note,
        read_from,
        read_sha256,
        read_locator,
        {{ measure('value_raw * multiplier') }} as value,
        {{ measure('half_step * multiplier') }} as half
    from converted
),

final as (
    select
        fact_id,
        snapshot_id,
        locator,
        source_kind,
        document,
        edition,
        published_on,
        published_on_precision,
        place_code,
        indicator_id,
        data_year,
        period_end,
        scope,
        status,
        unit,
        value_raw,
        unit_raw,
        value_text,
        decimals,
        correction_id,
        note,
        read_from,
        read_sha256,
        read_locator,
        value,
        -- Subtracted as decimals: in doubles the last digit is the engine's.
        {{ measure('value - half') }} as value_low,
        {{ measure('value + half') }} as value_high
    from measured
)

select * from final

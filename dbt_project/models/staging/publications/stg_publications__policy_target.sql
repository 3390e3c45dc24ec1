-- Policy targets in the canonical unit of their indicator, with the bounds that count as reached.
with source as (
    select * from {{ source('lake', 'policy_target') }}
),

converted as (
    select
        source.*,
        coalesce(indicator.unit, source.unit_raw) as unit,
        coalesce(printed.factor / canonical.factor, 1) as multiplier,
        canonical.dimension = 'ratio' as is_rate,
        reading.low_share,
        reading.high_share,
        reading.is_high_binding
    from source
    left join {{ ref('stg_registry__indicator') }} as indicator
        on source.indicator_id = indicator.indicator_id
    left join {{ ref('stg_registry__unit') }} as printed
        on source.unit_id = printed.unit_id
    left join {{ ref('stg_registry__unit') }} as canonical
        on indicator.unit_id = canonical.unit_id
    left join {{ ref('target_reading') }} as reading
        on source.comparator = reading.comparator
)

select
    target_id,
    document,
    locator,
    place_code,
    circle_id,
    coalesce(circle_id, place_code) as area_id,
    place_reason,
    indicator_name,
    indicator_id,
    indicator_reason,
    is_quantitative,
    comparator,
    is_every_year,
    start_year,
    horizon_year,
    horizon_basis,
    value_text,
    unit,
    coalesce(is_rate, false) as is_rate,
    coalesce(is_high_binding, false) as is_high_binding,
    {{ exact('value * multiplier') }} as target_value,
    {{ exact('value * multiplier * low_share') }} as target_low,
    {{ exact('value * multiplier * high_share') }} as target_high
from converted

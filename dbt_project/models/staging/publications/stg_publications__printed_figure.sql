-- Printed figures in the canonical unit of their indicator (the printed unit where none matches),
-- with the interval that their digits leave open.
with source as (
    select * from {{ source('lake', 'printed_figure') }}
),

converted as (
    select
        source.*,
        coalesce(indicator.unit, source.unit_raw) as unit,
        coalesce(printed.factor / canonical.factor, 1) as multiplier,
        power(cast(10 as double), -source.decimals) as digit,
        precision.steps_below,
        precision.steps_above
    from source
    left join {{ ref('stg_registry__indicator') }} as indicator
        on source.indicator_id = indicator.indicator_id
    left join {{ ref('stg_registry__unit') }} as printed
        on source.unit_id = printed.unit_id
    left join {{ ref('stg_registry__unit') }} as canonical
        on indicator.unit_id = canonical.unit_id
    left join {{ ref('printed_precision') }} as precision
        on source.comparator = precision.comparator
)

select
    figure_id,
    document,
    locator,
    place_raw,
    place_code,
    circle_id,
    coalesce(circle_id, place_code) as area_id,
    place_reason,
    indicator_raw,
    indicator_name,
    indicator_id,
    indicator_reason,
    period_text,
    year_start,
    year_end,
    case when year_start = year_end then year_end end as year,
    value_text,
    unit,
    multiplier,
    {{ exact('value') }} as number,
    {{ exact('value - steps_below * digit') }} as number_low,
    {{ exact('value + steps_above * digit') }} as number_high,
    {{ exact('value * multiplier') }} as printed_value,
    {{ exact('(value - steps_below * digit) * multiplier') }} as interval_low,
    {{ exact('(value + steps_above * digit) * multiplier') }} as interval_high,
    {{ exact('digit * multiplier') }} as step
from converted

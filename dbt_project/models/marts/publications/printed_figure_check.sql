select
    judged.figure_id,
    judged.vintage,
    figure.document,
    figure.locator,
    figure.place_code,
    figure.circle_id,
    figure.indicator_id,
    figure.period_text,
    figure.value_text as printed_text,
    {{ published('judged.printed_value') }} as printed_value,
    {{ published('judged.interval_low') }} as interval_low,
    {{ published('judged.interval_high') }} as interval_high,
    {{ published('judged.computed_value') }} as computed_value,
    {{ published('judged.computed_low') }} as computed_low,
    {{ published('judged.computed_high') }} as computed_high,
    figure.unit,
    judged.status,
    judged.reason,
    judged.is_mixed_vintage,
    judged.is_estimate,
    judged.edition_min,
    judged.edition_max,
    figure.place_raw,
    figure.indicator_raw,
    judged.computed_fact_id
from {{ ref('int_publications__figure_status') }} as judged
inner join {{ ref('stg_publications__printed_figure') }} as figure
    on judged.figure_id = figure.figure_id

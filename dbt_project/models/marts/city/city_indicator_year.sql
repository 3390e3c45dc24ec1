with vintages as (
    select * from {{ ref('int_indicator__vintages') }}
)

select
    vintages.place_code,
    vintages.indicator_id,
    vintages.data_year as year,
    vintages.scope,
    vintages.document,
    vintages.edition,
    place.place_level,
    place.place_name_zh,
    place.place_name_en,
    vintages.published_on,
    vintages.published_on_precision,
    vintages.is_first_published,
    vintages.is_first_held,
    vintages.is_latest,
    vintages.is_repeat,
    vintages.precedence,
    {{ published('vintages.value') }} as value,
    {{ published('vintages.value_low') }} as value_low,
    {{ published('vintages.value_high') }} as value_high,
    vintages.unit,
    vintages.value_raw,
    vintages.unit_raw,
    vintages.value_text,
    vintages.decimals,
    vintages.status,
    vintages.source_kind,
    vintages.is_estimate,
    vintages.method,
    vintages.data_year,
    vintages.correction_id,
    vintages.note,
    vintages.fact_id,
    vintages.snapshot_id,
    vintages.locator,
    vintages.read_from,
    vintages.read_sha256,
    vintages.read_locator
from vintages
inner join {{ ref('int_place__named') }} as place
    on vintages.place_code = place.place_code
    and vintages.data_year = place.year

-- Ratios of circle sums under one vintage policy: first add, then divide. A share of the province
-- is divided by the province as that policy holds it.
with total as (
    select
        circle_id as area_id,
        indicator_id,
        year,
        vintage,
        province_code,
        provinces,
        members_total,
        members_with_data,
        edition_min,
        edition_max,
        source_min,
        is_mixed_vintage,
        is_preliminary,
        rests_on_assumed_date,
        is_estimate,
        value,
        value_low,
        value_high
    from {{ ref('int_circle__total') }}
),

province as (
    select
        place_code,
        indicator_id,
        year,
        vintage,
        edition,
        document || ' ' || edition as source,
        published_on_precision,
        status,
        is_estimate,
        method,
        value,
        value_low,
        value_high
    from {{ ref('int_policy__cells') }}
),

ratio as (
    select
        indicator_id,
        unit,
        aggregation,
        factor,
        numerator,
        denominator,
        replace(denominator, '@province', '') as divisor,
        denominator like '%@province' as is_share_of_province
    from {{ ref('stg_registry__indicator') }}
    where {{ of_two_parts('aggregation') }}
),

share as (
    select
        numerator.area_id as circle_id,
        ratio.indicator_id,
        numerator.year,
        numerator.vintage,
        ratio.unit,
        ratio.aggregation,
        ratio.numerator,
        ratio.denominator,
        ratio.factor,
        numerator.members_total,
        numerator.members_with_data,
        numerator.value,
        numerator.value_low,
        numerator.value_high,
        province.value as divisor_value,
        province.value_low as divisor_low,
        province.value_high as divisor_high,
        {{ least_text('numerator.edition_min', 'province.edition') }} as edition_min,
        {{ greatest_text('numerator.edition_max', 'province.edition') }} as edition_max,
        numerator.is_mixed_vintage
        or numerator.source_min <> province.source as is_mixed_vintage,
        numerator.is_preliminary or province.status = 'preliminary' as is_preliminary,
        -- A revised numerator over an unrevised province is no share of anything.
        numerator.is_mixed_vintage or numerator.source_min <> province.source as is_refused,
        numerator.rests_on_assumed_date
        or province.published_on_precision = 'assumed' as rests_on_assumed_date,
        numerator.is_estimate or province.is_estimate as is_estimate,
        'ratio; denominator '
        || coalesce(province.method, 'province_as_published') as method
    from ratio
    inner join total as numerator
        on ratio.numerator = numerator.indicator_id
    inner join province
        on numerator.province_code = province.place_code
        and ratio.divisor = province.indicator_id
        and numerator.year = province.year
        and numerator.vintage = province.vintage
    where
        ratio.is_share_of_province
        and numerator.provinces = 1
),

quotient as (
    select
        numerator.area_id as circle_id,
        ratio.indicator_id,
        numerator.year,
        numerator.vintage,
        ratio.unit,
        ratio.aggregation,
        ratio.numerator,
        ratio.denominator,
        ratio.factor,
        numerator.members_total,
        least(numerator.members_with_data, divisor.members_with_data) as members_with_data,
        numerator.value,
        numerator.value_low,
        numerator.value_high,
        divisor.value as divisor_value,
        divisor.value_low as divisor_low,
        divisor.value_high as divisor_high,
        {{ least_text('numerator.edition_min', 'divisor.edition_min') }} as edition_min,
        {{ greatest_text('numerator.edition_max', 'divisor.edition_max') }} as edition_max,
        numerator.is_mixed_vintage
        or divisor.is_mixed_vintage
        or numerator.source_min <> divisor.source_min as is_mixed_vintage,
        numerator.is_preliminary or divisor.is_preliminary as is_preliminary,
        false as is_refused,
        numerator.rests_on_assumed_date or divisor.rests_on_assumed_date as rests_on_assumed_date,
        numerator.is_estimate or divisor.is_estimate as is_estimate,
        replace(ratio.aggregation, '_', ' ') as method
    from ratio
    inner join total as numerator
        on ratio.numerator = numerator.indicator_id
    inner join total as divisor
        on ratio.divisor = divisor.indicator_id
        and numerator.area_id = divisor.area_id
        and numerator.year = divisor.year
        and numerator.vintage = divisor.vintage
    where not ratio.is_share_of_province
),

unioned as (
    select * from share
    union all
    select * from quotient
)

select
    circle_id,
    indicator_id,
    year,
    vintage,
    unit,
    aggregation,
    numerator,
    denominator,
    members_total,
    members_with_data,
    edition_min,
    edition_max,
    is_mixed_vintage,
    is_preliminary,
    is_refused,
    rests_on_assumed_date,
    is_estimate,
    method,
    {{ combined('aggregation', 'value', 'divisor_value', 'divisor_value', 'factor') }} as value,
    {{ combined('aggregation', 'value_low', 'divisor_low', 'divisor_high', 'factor') }} as value_low,
    {{ combined('aggregation', 'value_high', 'divisor_high', 'divisor_low', 'factor') }} as value_high
from unioned
where divisor_low > 0

select
    target.target_id,
    target.document,
    target.locator,
    target.circle_id,
    target.place_code,
    target.indicator_id,
    target.is_quantitative,
    target.horizon_year,
    target.horizon_basis,
    target.comparator,
    target.value_text as target_text,
    {{ published('target.target_value') }} as target_value,
    {{ published('target.target_low') }} as target_low,
    {{ published('target.target_high') }} as target_high,
    {{ published('judged.latest_value') }} as latest_value,
    judged.latest_year,
    judged.is_preliminary as latest_is_preliminary,
    case when judged.latest_value is null then 'none' else 'latest' end as vintage,
    {{ published('target.target_value - judged.latest_value') }} as gap,
    case
        when judged.has_passed then 0
        when judged.latest_value is not null then target.horizon_year - judged.latest_year
    end as years_left,
    {{ rounded('judged.gap_pct', 4) }} as gap_pct,
    {{ rounded('judged.required_annual_change', 6) }} as required_annual_change,
    case
        when judged.required_annual_change is null and judged.observed_annual_change is null then null
        when target.is_rate then 'percentage points a year'
        else 'per cent a year'
    end as required_annual_change_unit,
    {{ rounded('judged.observed_annual_change', 6) }} as observed_annual_change,
    target.unit,
    judged.status,
    judged.reason,
    judged.fact_id as latest_fact_id
from {{ ref('int_publications__target_status') }} as judged
inner join {{ ref('stg_publications__policy_target') }} as target
    on judged.target_id = target.target_id

-- Weighted means over members, value and weight under the same vintage policy.
with mean as (
    select
        indicator_id,
        unit,
        weight as weight_id
    from {{ ref('stg_registry__indicator') }}
    where aggregation = 'weighted_mean'
),

joined as (
    select
        cell.circle_id,
        cell.indicator_id,
        cell.year,
        cell.vintage,
        mean.unit,
        cell.members_total,
        cell.value,
        cell.value_low,
        cell.value_high,
        {{ measure('weight.value * weight.weight') }} as weight,
        cell.document || ' ' || cell.edition as value_edition,
        weight.document || ' ' || weight.edition as weight_edition,
        cell.edition,
        weight.edition as other_edition,
        cell.status = 'preliminary' or weight.status = 'preliminary' as is_preliminary,
        cell.is_estimate or weight.is_estimate as is_estimate,
        cell.published_on_precision = 'assumed'
        or weight.published_on_precision = 'assumed' as is_assumed
    from mean
    inner join {{ ref('int_circle__cell') }} as cell
        on mean.indicator_id = cell.indicator_id
    inner join {{ ref('int_circle__cell') }} as weight
        on mean.weight_id = weight.indicator_id
        and cell.circle_id = weight.circle_id
        and cell.place_code = weight.place_code
        and cell.year = weight.year
        and cell.vintage = weight.vintage
),

grouped as (
    select
        circle_id,
        indicator_id,
        year,
        vintage,
        max(unit) as unit,
        max(members_total) as members_total,
        cast(count(*) as integer) as members_with_data,
        {{ least_text('min(edition)', 'min(other_edition)') }} as edition_min,
        {{ greatest_text('max(edition)', 'max(other_edition)') }} as edition_max,
        count(distinct value_edition) > 1
        or min(value_edition) <> min(weight_edition)
        or max(value_edition) <> max(weight_edition) as is_mixed_vintage,
        max(case when is_preliminary then 1 else 0 end) = 1 as is_preliminary,
        max(case when is_assumed then 1 else 0 end) = 1 as rests_on_assumed_date,
        max(case when is_estimate then 1 else 0 end) = 1 as is_estimate,
        sum(weight) as weights,
        sum({{ exact('value * cast(weight as double)') }}) as weighted,
        sum({{ exact('value_low * cast(weight as double)') }}) as weighted_low,
        sum({{ exact('value_high * cast(weight as double)') }}) as weighted_high
    from joined
    group by circle_id, indicator_id, year, vintage
)

select
    circle_id,
    indicator_id,
    year,
    vintage,
    unit,
    members_total,
    members_with_data,
    edition_min,
    edition_max,
    is_mixed_vintage,
    is_preliminary,
    rests_on_assumed_date,
    is_estimate,
    {{ ratio('weighted', 'weights', '1') }} as value,
    {{ ratio('weighted_low', 'weights', '1') }} as value_low,
    {{ ratio('weighted_high', 'weights', '1') }} as value_high
from grouped
where weights > 0

-- Growth of a circle at comparable prices: the published rates of its members, weighted with their
-- levels of the year before (Laspeyres). Rates are taken as printed; a level is only a weight here,
-- so no two levels are divided by one another. Where the year before is not held for every member,
-- the levels of the same year weigh instead, and the value is an estimate.
with growth as (
    select
        indicator_id,
        unit,
        weight as weight_id
    from {{ ref('stg_registry__indicator') }}
    where aggregation = 'chain'
),

cell as (
    select * from {{ ref('int_circle__cell') }}
),

weighed as (
    select
        rate.circle_id,
        rate.indicator_id,
        rate.year,
        rate.vintage,
        growth.unit,
        growth.weight_id,
        rate.members_total,
        rate.document || ' ' || rate.edition as source,
        rate.edition,
        rate.status,
        rate.published_on_precision,
        rate.is_estimate,
        rate.value,
        rate.value_low,
        rate.value_high,
        {{ measure('earlier.value * earlier.weight') }} as weight_before,
        {{ measure('same.value * same.weight') }} as weight_same
    from growth
    inner join cell as rate
        on growth.indicator_id = rate.indicator_id
    left join cell as earlier
        on growth.weight_id = earlier.indicator_id
        and rate.circle_id = earlier.circle_id
        and rate.place_code = earlier.place_code
        and rate.vintage = earlier.vintage
        and rate.year = earlier.year + 1
    left join cell as same
        on growth.weight_id = same.indicator_id
        and rate.circle_id = same.circle_id
        and rate.place_code = same.place_code
        and rate.vintage = same.vintage
        and rate.year = same.year
),

chosen as (
    select
        *,
        count(weight_before) over (partition by circle_id, indicator_id, year, vintage)
        = members_total as is_before,
        case
            when
                count(weight_before) over (partition by circle_id, indicator_id, year, vintage)
                = members_total
                then weight_before
            else weight_same
        end as weight
    from weighed
),

grouped as (
    select
        circle_id,
        indicator_id,
        year,
        vintage,
        max(unit) as unit,
        max(weight_id) as weight_id,
        max(members_total) as members_total,
        cast(count(weight) as integer) as members_with_data,
        min(edition) as edition_min,
        max(edition) as edition_max,
        min(source) <> max(source) as is_mixed_vintage,
        max(case when status = 'preliminary' then 1 else 0 end) = 1 as is_preliminary,
        max(case when published_on_precision = 'assumed' then 1 else 0 end) = 1
            as rests_on_assumed_date,
        max(case when is_estimate or not is_before then 1 else 0 end) = 1 as is_estimate,
        max(case when is_before then 1 else 0 end) = 1 as is_before,
        sum(weight) as weights,
        sum({{ exact('value * cast(weight as double)') }}) as weighted,
        sum({{ exact('value_low * cast(weight as double)') }}) as weighted_low,
        sum({{ exact('value_high * cast(weight as double)') }}) as weighted_high
    from chosen
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
    'chain; weights ' || weight_id
    || case when is_before then ' of the year before' else ' of the same year' end as method,
    {{ ratio('weighted', 'weights', '1') }} as value,
    {{ ratio('weighted_low', 'weights', '1') }} as value_low,
    {{ ratio('weighted_high', 'weights', '1') }} as value_high
from grouped
where weights > 0

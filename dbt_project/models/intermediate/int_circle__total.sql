-- Sums and plain means over members, and their coverage; complete or not.
with cell as (
    select
        cell.*,
        indicator.aggregation
    from {{ ref('int_circle__cell') }} as cell
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on cell.indicator_id = indicator.indicator_id
    where indicator.aggregation in ('sum', 'mean_of_members', 'min', 'max')
),

grouped as (
    select
        circle_id,
        indicator_id,
        year,
        vintage,
        aggregation,
        max(unit) as unit,
        max(province_code) as province_code,
        count(distinct province_code) as provinces,
        max(members_total) as members_total,
        cast(count(*) as integer) as members_with_data,
        min(edition) as edition_min,
        max(edition) as edition_max,
        min(document || ' ' || edition) as source_min,
        max(document || ' ' || edition) as source_max,
        max(case when status = 'preliminary' then 1 else 0 end) as preliminaries,
        max(case when published_on_precision = 'assumed' then 1 else 0 end) as assumed_dates,
        max(case when is_estimate then 1 else 0 end) as estimates,
        {{ measure('sum(' ~ measure('value * weight') ~ ')') }} as total,
        {{ measure('sum(' ~ measure('value_low * weight') ~ ')') }} as total_low,
        {{ measure('sum(' ~ measure('value_high * weight') ~ ')') }} as total_high,
        min(value) as least,
        min(value_low) as least_low,
        min(value_high) as least_high,
        max(value) as most,
        max(value_low) as most_low,
        max(value_high) as most_high
    from cell
    group by circle_id, indicator_id, year, vintage, aggregation
)

select
    circle_id,
    indicator_id,
    year,
    vintage,
    aggregation,
    unit,
    province_code,
    provinces,
    members_total,
    members_with_data,
    edition_min,
    edition_max,
    source_min,
    source_max,
    source_min <> source_max as is_mixed_vintage,
    preliminaries = 1 as is_preliminary,
    assumed_dates = 1 as rests_on_assumed_date,
    estimates = 1 as is_estimate,
    case aggregation
        when 'sum' then total
        when 'mean_of_members' then {{ ratio('total', 'members_with_data', '1') }}
        when 'min' then least
        else most
    end as value,
    case aggregation
        when 'sum' then total_low
        when 'mean_of_members' then {{ ratio('total_low', 'members_with_data', '1') }}
        when 'min' then least_low
        else most_low
    end as value_low,
    case aggregation
        when 'sum' then total_high
        when 'mean_of_members' then {{ ratio('total_high', 'members_with_data', '1') }}
        when 'min' then least_high
        else most_high
    end as value_high
from grouped

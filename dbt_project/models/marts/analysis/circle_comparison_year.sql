-- Circles and comparators side by side, one row per area, indicator and year, newest vintage. No
-- ratio between areas is made: years and members have to be aligned by the reader, which
-- areas_with_value and edition help to do.
with area as (
    select * from {{ ref('comparison_area') }}
),

circle as (
    select
        value.circle_id as area_id,
        true as is_circle,
        value.circle_name_zh as area_name_zh,
        value.circle_name_en as area_name_en,
        value.indicator_id,
        value.year,
        value.value,
        value.value_low,
        value.value_high,
        value.unit,
        value.method,
        value.edition_min,
        value.edition_max,
        value.is_mixed_vintage,
        value.is_preliminary,
        value.is_estimate
    from {{ ref('circle_indicator_year') }} as value
    where
        value.vintage = 'latest'
        and value.value is not null
),

trial as (
    select
        trial.circle_id as area_id,
        true as is_circle,
        circle.circle_name_zh as area_name_zh,
        circle.circle_name_en as area_name_en,
        trial.indicator_id,
        trial.year,
        trial.value,
        trial.value_low,
        trial.value_high,
        trial.unit,
        'trial account, ' || trial.method as method,
        trial.series as edition_min,
        trial.series as edition_max,
        trial.is_mixed_vintage,
        trial.is_preliminary,
        trial.is_estimate
    from {{ ref('circle_trial_account') }} as trial
    inner join {{ ref('stg_geography__circle') }} as circle
        on trial.circle_id = circle.circle_id
    left join {{ ref('circle_indicator_year') }} as published
        on trial.circle_id = published.circle_id
        and trial.indicator_id = published.indicator_id
        and trial.year = published.year
        and published.vintage = 'latest'
        and published.value is not null
    where
        trial.method = case when trial.indicator_id = 'population_resident' then 'population_share' else 'output_share' end
        and published.circle_id is null
),

place as (
    select
        best.place_code as area_id,
        false as is_circle,
        best.place_name_zh as area_name_zh,
        best.place_name_en as area_name_en,
        best.indicator_id,
        best.year,
        best.value,
        best.value_low,
        best.value_high,
        best.unit,
        best.method,
        best.edition as edition_min,
        best.edition as edition_max,
        coalesce(best.method like '%across editions', false) as is_mixed_vintage,
        best.status = 'preliminary' as is_preliminary,
        best.is_estimate
    from {{ ref('city_indicator_best') }} as best
),

unioned as (
    select * from circle
    union all
    select * from trial
    union all
    select * from place
)

select
    area.area_id,
    unioned.indicator_id,
    unioned.year,
    area.area_seq,
    area.role,
    unioned.is_circle,
    unioned.area_name_zh,
    unioned.area_name_en,
    unioned.value,
    unioned.value_low,
    unioned.value_high,
    unioned.unit,
    unioned.method,
    unioned.edition_min,
    unioned.edition_max,
    unioned.is_mixed_vintage,
    unioned.is_preliminary,
    unioned.is_estimate,
    cast(count(*) over (partition by unioned.indicator_id, unioned.year) as integer) as areas_with_value
from unioned
inner join area
    on unioned.area_id = area.area_id

-- Pairs of cities that a planned or named railway joins, with the direct trains they have today: the
-- newest ordinary workday held. Cities as a document names or a reader infers them, joined by name.
with reference_date as (
    select max(service_date) as service_date
    from {{ ref('int_rail__day') }}
    where
        day_type = 'workday'
        and not is_gap_day
),

city as (
    select
        place_code,
        replace(place_name_zh, '市', '') as short_name
    from {{ ref('stg_geography__division') }}
    where
        place_level = 'prefecture'
        and parent_code = '440000'
        and valid_to is null
),

project as (
    select
        project_id,
        document,
        locator,
        project_key,
        project_name_zh,
        status_raw,
        concat(';', coalesce(places_read, ''), ';') as places
    from {{ ref('stg_publications__named_project') }}
    where
        category = '铁路/轨道'
        and subcategory <> '城市轨道'
),

joined as (
    select
        project.project_id,
        project.document,
        project.locator,
        project.project_key,
        project.project_name_zh,
        project.status_raw,
        a.place_code as origin_code,
        b.place_code as destination_code
    from project
    inner join city as a
        on project.places like concat('%;', a.short_name, '%;%')
    inner join city as b
        on project.places like concat('%;', b.short_name, '%;%')
        and a.place_code < b.place_code
)

select
    joined.project_id,
    joined.origin_code,
    joined.destination_code,
    joined.document,
    joined.locator,
    joined.project_key,
    joined.project_name_zh,
    joined.status_raw,
    reference_date.service_date,
    cast(coalesce(onward.direct_trains, 0) as integer) as direct_trains,
    cast(coalesce(back.direct_trains, 0) as integer) as direct_trains_back,
    onward.direct_trains is null and back.direct_trains is null as has_no_train_today
from joined
cross join reference_date
left join {{ ref('rail_city_pair_day') }} as onward
    on reference_date.service_date = onward.service_date
    and joined.origin_code = onward.origin_code
    and joined.destination_code = onward.destination_code
    and onward.place_level = 'prefecture'
left join {{ ref('rail_city_pair_day') }} as back
    on reference_date.service_date = back.service_date
    and joined.destination_code = back.origin_code
    and joined.origin_code = back.destination_code
    and back.place_level = 'prefecture'

-- The cities of a circle by class: prefecture-level cities that are whole members, and county-level
-- cities that are members or lie in a whole member.
with circle as (
    select
        circle_id,
        circle_kind
    from {{ ref('stg_geography__circle') }}
    where circle_kind in ('circle', 'core')
),

city as (
    select distinct
        circle.circle_id,
        city.place_code,
        city.year,
        city.source,
        city.place_name_zh,
        city.population_city_proper,
        city.size_class
    from {{ ref('int_circle__member') }} as member
    inner join circle
        on member.circle_id = circle.circle_id
    inner join {{ ref('city_size_class') }} as city
        on member.place_code = city.place_code
        or member.place_code = city.parent_code
    where
        member.weight = 1
        and not member.is_predecessor
),

total as (
    select
        circle_id,
        year,
        source,
        cast(count(*) as integer) as cities_total,
        {{ exact_sum('population_city_proper') }} as population_total
    from city
    group by circle_id, year, source
)

select
    total.circle_id,
    total.year,
    total.source,
    size.size_class,
    size.name_zh as size_class_zh,
    size.name_en as size_class_en,
    cast(count(city.place_code) as integer) as cities,
    max(total.cities_total) as cities_total,
    coalesce({{ exact_sum('city.population_city_proper') }}, 0) as population_city_proper,
    {{ rounded('coalesce(' ~ exact_sum('city.population_city_proper') ~ ', 0) / max(total.population_total)', 8) }}
        as population_share,
    {{ dbt.listagg('city.place_name_zh', "'、'", 'order by city.population_city_proper desc, city.place_code') }}
        as city_names
from total
cross join {{ ref('city_size') }} as size
left join city
    on total.circle_id = city.circle_id
    and total.year = city.year
    and total.source = city.source
    and size.size_class = city.size_class
group by
    total.circle_id, total.year, total.source, size.size_class, size.name_zh, size.name_en

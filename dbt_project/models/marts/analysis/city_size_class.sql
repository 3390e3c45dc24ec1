-- Cities of a census by the class of their city proper (indicator_methods, 2.3). The row of a
-- prefecture-level city holds its districts; county-level cities have rows of their own.
with city as (
    select
        cell.place_code,
        cell.year,
        cell.value,
        cell.fact_id,
        place.place_name_zh,
        place.place_name_en,
        place.place_level,
        place.parent_code
    from {{ ref('int_policy__cells') }} as cell
    inner join {{ ref('int_place__named') }} as place
        on cell.place_code = place.place_code
        and cell.year = place.year
    where
        cell.vintage = 'latest'
        and cell.indicator_id = 'population_census_city_proper'
        and (
            place.place_level = 'prefecture'
            or (place.place_level = 'county' and place.place_name_zh like '%市')
        )
)

select
    city.place_code,
    city.year,
    'census' as source,
    city.place_name_zh,
    city.place_name_en,
    city.place_level,
    city.parent_code,
    {{ published('city.value') }} as population_city_proper,
    size.size_class,
    size.name_zh as size_class_zh,
    size.name_en as size_class_en,
    city.fact_id
from city
inner join {{ ref('city_size') }} as size
    on city.value >= size.from_persons
    and (size.below_persons is null or city.value < size.below_persons)

-- The prefectures of each province and year: what a sum of cities must cover to be the province.
with years as (
    select distinct data_year as year
    from {{ ref('stg_yearbook__observation') }}
),

prefecture as (
    select distinct
        division.parent_code as province_code,
        division.place_code,
        years.year
    from {{ ref('stg_geography__division') }} as division
    cross join years
    where
        division.place_level = 'prefecture'
        and division.parent_code is not null
        and division.valid_from <= cast(years.year || '-12-31' as date)
        and (
            division.valid_to is null
            or division.valid_to >= cast(years.year || '-12-31' as date)
        )
)

select
    province_code,
    place_code,
    year,
    cast(count(*) over (partition by province_code, year) as integer) as members_total
from prefecture

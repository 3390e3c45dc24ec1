-- One row per place and year: the name, level and parent valid at the end of that year.
-- A unit that was abolished during a year still has figures for it, so its last name serves on.
with years as (
    select distinct data_year as year
    from {{ ref('stg_yearbook__observation') }}
),

candidates as (
    select
        division.place_code,
        years.year,
        division.place_name_zh,
        division.place_name_en,
        division.place_level,
        division.parent_code,
        row_number() over (
            partition by division.place_code, years.year
            order by
                case
                    when
                        division.valid_from <= cast(years.year || '-12-31' as date)
                        and (
                            division.valid_to is null
                            or division.valid_to >= cast(years.year || '-12-31' as date)
                        )
                        then 0
                    when division.valid_from <= cast(years.year || '-12-31' as date) then 1
                    else 2
                end,
                division.valid_from desc
        ) as choice
    from {{ ref('stg_geography__division') }} as division
    cross join years
)

select
    place_code,
    year,
    place_name_zh,
    place_name_en,
    place_level,
    parent_code
from candidates
where choice = 1

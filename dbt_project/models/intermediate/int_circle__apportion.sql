-- Which part of a city belongs to a circle that takes in some of its counties only: by census
-- population, and by output (GDP per head times residents, normalised to the city). Units without a
-- GDP per head are the residual of the city where all of them belong to the circle
-- (indicator_methods, section 11).
with circle as (
    select circle_id
    from {{ ref('stg_geography__circle') }}
    where circle_kind = 'circle'
),

place as (
    select
        place_code,
        place_level,
        parent_code,
        place_name_zh
    from {{ ref('int_place__named') }}
    where year = 2020
),

member as (
    select
        member.circle_id,
        member.place_code,
        place.place_level,
        place.parent_code
    from {{ ref('int_circle__member') }} as member
    inner join circle
        on member.circle_id = circle.circle_id
    inner join place
        on member.place_code = place.place_code
    where
        member.weight = 1
        and not member.is_predecessor
),

city as (
    select distinct
        circle_id,
        parent_code as city_code
    from member
    where place_level = 'county'
),

unit as (
    select
        city.circle_id,
        city.city_code,
        place.place_code,
        place.place_name_zh,
        member.place_code is not null as is_member,
        cast(census.value as double) as population,
        cast(per_head.value as double) as per_head,
        cast(census.value as double) * cast(per_head.value as double) / 100000000 as output
    from city
    inner join place
        on city.city_code = place.parent_code
    inner join {{ ref('int_policy__cells') }} as census
        on place.place_code = census.place_code
        and census.indicator_id = 'population_census'
        and census.year = 2020
        and census.vintage = 'latest'
    left join {{ ref('int_policy__cells') }} as per_head
        on place.place_code = per_head.place_code
        and per_head.indicator_id = 'gdp_per_capita'
        and per_head.year = 2019
        and per_head.vintage = 'latest'
    left join member
        on city.circle_id = member.circle_id
        and place.place_code = member.place_code
),

summed as (
    select
        circle_id,
        city_code,
        cast(count(*) as integer) as units,
        cast(sum(case when is_member then 1 else 0 end) as integer) as units_included,
        cast(sum(case when output is null then 1 else 0 end) as integer) as units_silent,
        cast(sum(case when output is null and not is_member then 1 else 0 end) as integer)
            as outsiders_silent,
        {{ exact_sum('case when is_member then population else 0 end') }} as population_in,
        {{ exact_sum('population') }} as population_all,
        {{ exact_sum('case when is_member then output else 0 end') }} as output_in,
        {{ exact_sum('case when not is_member then output else 0 end') }} as output_out,
        {{ dbt.listagg("case when is_member then place_name_zh end", "'、'", 'order by place_code') }}
            as units_included_names,
        {{ dbt.listagg("case when output is null then place_name_zh end", "'、'", 'order by place_code') }}
            as units_silent_names
    from unit
    group by circle_id, city_code
)

select
    summed.circle_id,
    summed.city_code,
    summed.units,
    summed.units_included,
    summed.units_included_names,
    summed.population_in / summed.population_all as population_share,
    case
        when summed.units_silent = 0 then summed.output_in / (summed.output_in + summed.output_out)
        when summed.outsiders_silent = 0 then 1 - summed.output_out / cast(gdp.value as double)
    end as output_share,
    cast(gdp.value as double) as city_gdp,
    summed.output_in + summed.output_out as units_gdp,
    case
        when summed.units_silent = 0
            then 'GDP per head of 2019 times census residents of 2020 of every unit, normalised to the city'
        when summed.outsiders_silent = 0
            then
                'The units outside the circle by GDP per head of 2019 times census residents of 2020; '
                || summed.units_silent_names || ' with the rest by residual from the city'
        else 'No GDP per head is held for ' || summed.units_silent_names
    end as output_basis
from summed
left join {{ ref('int_policy__cells') }} as gdp
    on summed.city_code = gdp.place_code
    and gdp.indicator_id = 'gdp'
    and gdp.year = 2019
    and gdp.vintage = 'latest'

-- Comparisons of printed figures that no value of one area, indicator and year answers: counts of
-- divisions and cities, trial accounts, land area of the newest year held, trade as a share of the
-- province, residents on the day of a census. `note` says on what the comparison rests.
with figure as (
    select * from {{ ref('stg_publications__printed_figure') }}
),

area_value as (
    select * from {{ ref('int_publications__area_value') }}
),

newest_year as (
    select max(year) as year
    from {{ ref('int_place__named') }}
),

calendar as (
    select distinct year
    from {{ ref('int_place__named') }}
),

valid_division as (
    select distinct
        calendar.year,
        division.place_code,
        division.place_level,
        division.parent_code
    from {{ ref('stg_geography__division') }} as division
    inner join calendar
        on division.valid_from <= cast(calendar.year || '-12-31' as date)
        and (division.valid_to is null or division.valid_to >= cast(calendar.year || '-12-31' as date))
),

asked_division as (
    select
        figure.figure_id,
        figure.indicator_name,
        figure.circle_id,
        figure.place_code,
        coalesce(figure.year, newest_year.year) as year
    from figure
    cross join newest_year
    where figure.indicator_name in ('n_prefecture_cities', 'n_county_level_units')
),

counted_division as (
    select
        asked.figure_id,
        count(distinct division.place_code) as counted
    from asked_division as asked
    inner join {{ ref('int_circle__member') }} as member
        on asked.circle_id = member.circle_id
        and not member.is_predecessor
    inner join valid_division as division
        on asked.year = division.year
        and (
            (
                asked.indicator_name = 'n_prefecture_cities'
                and division.place_level = 'prefecture'
                and member.place_code = division.place_code
            )
            or (
                asked.indicator_name = 'n_county_level_units'
                and division.place_level = 'county'
                and (member.place_code = division.place_code or member.place_code = division.parent_code)
            )
        )
    group by asked.figure_id
    union all
    select
        asked.figure_id,
        count(distinct division.place_code) as counted
    from asked_division as asked
    inner join valid_division as division
        on asked.year = division.year
        and asked.place_code = division.parent_code
        and division.place_level = 'prefecture'
    where asked.indicator_name = 'n_prefecture_cities'
    group by asked.figure_id
),

class_name as (
    select
        size_class,
        case size_class
            when 1 then 'n_supercity'
            when 2 then 'n_megacity'
            when 3 then 'n_large_city_type1'
            when 4 then 'n_large_city_type2'
            when 5 then 'n_medium_city'
            when 6 then 'n_small_city_type1'
            else 'n_small_city_type2'
        end as indicator_name
    from {{ ref('city_size') }}
),

counted_city as (
    select
        figure.figure_id,
        case
            when figure.indicator_name = 'n_cities_county_level_and_above' then max(size.cities_total)
            else max(case when class_name.indicator_name = figure.indicator_name then size.cities end)
        end as counted,
        max(case when class_name.indicator_name = figure.indicator_name then size.city_names end) as names
    from figure
    inner join {{ ref('circle_city_size') }} as size
        on figure.circle_id = size.circle_id
    inner join class_name
        on size.size_class = class_name.size_class
    where
        figure.indicator_name = 'n_cities_county_level_and_above'
        or figure.indicator_name in (
            'n_supercity', 'n_megacity', 'n_large_city_type1', 'n_large_city_type2',
            'n_medium_city', 'n_small_city_type1', 'n_small_city_type2'
        )
    group by figure.figure_id, figure.indicator_name
),

city_proper as (
    select
        figure.figure_id,
        100 * {{ exact_sum("case when city.place_code in ('440100', '441900') then city.population_city_proper else 0 end") }}
        / {{ exact_sum('city.population_city_proper') }} as share
    from figure
    inner join {{ ref('int_circle__member') }} as member
        on member.circle_id = 'GZ_PAPER9'
        and not member.is_predecessor
    inner join {{ ref('city_size_class') }} as city
        on member.place_code = city.place_code
        or member.place_code = city.parent_code
    where figure.indicator_name = 'urban_area_population_share_of_circle'
    group by figure.figure_id
),

trial as (
    select
        figure.figure_id,
        point.value,
        coalesce(span.value_low, point.value_low) as value_low,
        coalesce(span.value_high, point.value_high) as value_high,
        point.series
    from figure
    inner join {{ ref('circle_trial_account') }} as point
        on figure.circle_id = point.circle_id
        and figure.indicator_id = point.indicator_id
        and figure.year = point.year
        and point.method = case
            when point.indicator_id = 'population_resident' then 'population_share' else 'output_share'
        end
    left join {{ ref('circle_trial_account') }} as span
        on point.circle_id = span.circle_id
        and point.indicator_id = span.indicator_id
        and point.year = span.year
        and span.method = 'range'
),

area_held as (
    select
        figure.figure_id,
        held.year as held_year,
        held.value,
        held.value_low,
        held.value_high,
        held.edition_min,
        held.edition_max,
        held.is_estimate,
        row_number() over (partition by figure.figure_id order by held.year desc) as recency
    from figure
    inner join area_value as held
        on figure.area_id = held.area_id
        and figure.indicator_id = held.indicator_id
        and figure.year > held.year
        and held.vintage = 'latest'
    left join area_value as same_year
        on figure.area_id = same_year.area_id
        and figure.indicator_id = same_year.indicator_id
        and figure.year = same_year.year
        and same_year.value is not null
    where
        figure.indicator_id in ('land_area', 'land_area_share_of_province')
        and held.value is not null
        and same_year.area_id is null
),

density_held as (
    select
        figure.figure_id,
        figure.indicator_name,
        gdp.area_id,
        gdp.edition_min,
        land.year as held_year,
        land.edition_max,
        cast(gdp.value as double) / cast(land.value as double) as value,
        cast(gdp.value_low as double) / cast(land.value_high as double) as value_low,
        cast(gdp.value_high as double) / cast(land.value_low as double) as value_high,
        row_number() over (partition by figure.figure_id, gdp.area_id order by land.year desc) as recency
    from figure
    inner join area_value as gdp
        on figure.year = gdp.year
        and gdp.indicator_id = 'gdp'
        and gdp.vintage = 'first_published'
        and (
            figure.area_id = gdp.area_id
            or (figure.indicator_name = 'gdp_density_ratio_to_guangdong' and gdp.area_id = '440000')
        )
    inner join area_value as land
        on gdp.area_id = land.area_id
        and land.indicator_id = 'land_area'
        and land.vintage = 'latest'
        and figure.year >= land.year
        and land.value is not null
    where
        figure.indicator_name in ('gdp_density', 'gdp_density_ratio_to_guangdong')
        and gdp.value is not null
),

trade_share as (
    select
        figure.figure_id,
        area.vintage,
        100 * cast(area.value as double) / cast(province.value as double) as value,
        100 * cast(area.value_low as double) / cast(province.value_high as double) as value_low,
        100 * cast(area.value_high as double) / cast(province.value_low as double) as value_high,
        area.edition_min,
        area.edition_max,
        area.is_mixed_vintage or area.edition_min <> province.edition_min as is_mixed_vintage,
        province.is_estimate
    from figure
    inner join area_value as area
        on figure.area_id = area.area_id
        and figure.year = area.year
        and area.indicator_id = 'trade_total'
    inner join area_value as province
        on province.area_id = '440000'
        and area.year = province.year
        and area.vintage = province.vintage
        and province.indicator_id = 'trade_total'
    where
        figure.indicator_name = 'goods_trade_total_share_of_guangdong'
        and area.value is not null
        and province.value_low > 0
),

-- Documents print the residents of a census year now from the census, now from the year end, and
-- seldom say which.
census_people as (
    select
        figure.figure_id,
        figure.year,
        held.edition_min,
        held.edition_max,
        held.fact_id,
        cast(held.value as double) * census.factor / yearly.factor as value
    from figure
    inner join area_value as held
        on figure.area_id = held.area_id
        and figure.year = held.year
        and held.indicator_id = 'population_census'
        and held.vintage = 'latest'
    inner join {{ ref('stg_registry__unit') }} as census
        on census.unit_id = 'person'
    inner join {{ ref('stg_registry__unit') }} as yearly
        on yearly.unit_id = 'person_10k'
    where
        figure.indicator_id = 'population_resident'
        and held.value is not null
),

unioned as (
    select
        figure_id,
        'census_population' as vintage,
        value,
        value as value_low,
        value as value_high,
        edition_min,
        edition_max,
        false as is_mixed_vintage,
        false as is_estimate,
        'residents on the day of the census of ' || cast(year as varchar(4)) || ', 1 November' as note
    from census_people
    union all
    select
        figure_id,
        'divisions' as vintage,
        cast(counted as double) as value,
        cast(counted as double) as value_low,
        cast(counted as double) as value_high,
        cast(null as varchar(20)) as edition_min,
        cast(null as varchar(20)) as edition_max,
        false as is_mixed_vintage,
        false as is_estimate,
        'counted in the table of divisions; 东莞 and 中山 have no county-level units' as note
    from counted_division
    union all
    select
        figure_id,
        'census_2020' as vintage,
        cast(counted as double) as value,
        cast(counted as double) as value_low,
        cast(counted as double) as value_high,
        '2020' as edition_min,
        '2020' as edition_max,
        false as is_mixed_vintage,
        false as is_estimate,
        'cities by their population of the city proper in the census of 2020; the urban construction '
        || 'yearbook, which the paper seems to use, counts otherwise'
        || coalesce(' (' || names || ')', '') as note
    from counted_city
    union all
    select
        figure_id,
        'census_2020' as vintage,
        share as value,
        share as value_low,
        share as value_high,
        '2020' as edition_min,
        '2020' as edition_max,
        false as is_mixed_vintage,
        false as is_estimate,
        '广州 and 东莞 over the city propers of all 17 cities in the census of 2020; the urban construction '
        || 'yearbook, which the paper seems to use, counts otherwise' as note
    from city_proper
    union all
    select
        figure_id,
        'trial_accounts' as vintage,
        value,
        value_low,
        value_high,
        series as edition_min,
        series as edition_max,
        true as is_mixed_vintage,
        true as is_estimate,
        'whole cities as published, parts of 肇庆 and 清远 by population share (lower end) and by '
        || 'output share (upper end and point)' as note
    from trial
    union all
    select
        figure_id,
        'land_area_of_' || cast(held_year as varchar(4)) as vintage,
        cast(value as double) as value,
        cast(value_low as double) as value_low,
        cast(value_high as double) as value_high,
        edition_min,
        edition_max,
        true as is_mixed_vintage,
        true as is_estimate,
        'land area carried forward from ' || cast(held_year as varchar(4)) as note
    from area_held
    where recency = 1
    union all
    select
        density.figure_id,
        'land_area_of_' || cast(density.held_year as varchar(4)) as vintage,
        case when province.figure_id is null then density.value else density.value / province.value end
            as value,
        case
            when province.figure_id is null then density.value_low
            else density.value_low / province.value_high
        end as value_low,
        case
            when province.figure_id is null then density.value_high
            else density.value_high / province.value_low
        end as value_high,
        density.edition_min,
        density.edition_max,
        true as is_mixed_vintage,
        true as is_estimate,
        'GDP as first published over land area carried forward from '
        || cast(density.held_year as varchar(4)) as note
    from density_held as density
    inner join figure
        on density.figure_id = figure.figure_id
        and density.area_id = figure.area_id
    left join density_held as province
        on density.figure_id = province.figure_id
        and density.indicator_name = 'gdp_density_ratio_to_guangdong'
        and province.area_id = '440000'
        and province.recency = 1
    where
        density.recency = 1
        and (density.indicator_name = 'gdp_density' or province.figure_id is not null)
    union all
    select
        figure_id,
        vintage,
        value,
        value_low,
        value_high,
        edition_min,
        edition_max,
        is_mixed_vintage,
        is_estimate,
        'imports and exports of the area over those of all cities of the province' as note
    from trade_share
)

select
    unioned.figure_id,
    unioned.vintage,
    {{ exact('unioned.value') }} as value,
    {{ exact('unioned.value_low') }} as value_low,
    {{ exact('unioned.value_high') }} as value_high,
    unioned.edition_min,
    unioned.edition_max,
    unioned.is_mixed_vintage,
    unioned.is_estimate,
    unioned.note,
    census_people.fact_id
from unioned
left join census_people
    on unioned.figure_id = census_people.figure_id
    and unioned.vintage = 'census_population'
where unioned.value is not null

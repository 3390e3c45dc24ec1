-- What can be said beside a figure that is not reproduced, one row per figure and kind: what the cities
-- together have where their sum is no provincial total, what the printed total leaves for the members
-- that were not revised since, what another document prints of some members, and what the residents of
-- a census make of GDP a head.
with figure as (
    select * from {{ ref('stg_publications__printed_figure') }}
),

area_value as (
    select * from {{ ref('int_publications__area_value') }}
),

-- The cities of the province together, where their sum is refused as the provincial total: what it
-- would give all the same.
cities_alone as (
    select
        member.province_code,
        cell.indicator_id,
        cell.year,
        max(cell.unit) as unit,
        max(refused.reason) as refused_reason,
        {{ measure('sum(cell.value)') }} as total
    from {{ ref('int_province__member') }} as member
    inner join {{ ref('int_policy__cells') }} as cell
        on member.place_code = cell.place_code
        and member.year = cell.year
        and cell.vintage = 'latest'
    inner join {{ ref('sum_of_cities_refused') }} as refused
        on cell.indicator_id = refused.indicator_id
        and refused.before_edition is null
    group by member.province_code, cell.indicator_id, cell.year
    having count(*) = max(member.members_total)
),

alone as (
    select
        figure.figure_id,
        'cities_alone' as kind,
        '; the sum of the cities, ' || cities_alone.refused_reason || ', is '
        || {{ shown('cities_alone.total', 2) }} || ' ' || cities_alone.unit
        || case
            when area_value.value is null then ''
            else
                '; the area has '
                || {{ shown('100 * cast(area_value.value as double) / cast(cities_alone.total as double)', 2) }}
                || ' % of it'
        end as told
    from figure
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on figure.indicator_id = indicator.indicator_id
    inner join cities_alone
        on coalesce(indicator.numerator, indicator.indicator_id) = cities_alone.indicator_id
        and figure.year = cities_alone.year
    left join area_value
        on figure.area_id = area_value.area_id
        and figure.area_id <> cities_alone.province_code
        and cities_alone.indicator_id = area_value.indicator_id
        and figure.year = area_value.year
        and area_value.vintage = 'latest'
    where
        indicator.denominator like '%@province'
        or figure.area_id = cities_alone.province_code
),

-- Where only some members have been revised since, what the printed total would leave for the others.
revised as (
    select
        figure.figure_id,
        max(figure.printed_value) as printed_value,
        max(cell.unit) as unit,
        max(newest.edition_max) as edition,
        sum(case when cell.edition = newest.edition_max then cell.value else 0 end) as revised_value,
        sum(case when cell.edition <> newest.edition_max then cell.value else 0 end) as other_value,
        sum(case when cell.edition = newest.edition_max then 1 else 0 end) as revised_members,
        count(*) as members,
        {{ dbt.listagg(
            "case when cell.edition <> newest.edition_max then place.place_name_zh end",
            "'、'", 'order by cell.place_code') }} as other_names
    from figure
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on figure.indicator_id = indicator.indicator_id
        and indicator.aggregation = 'sum'
    inner join area_value as newest
        on figure.circle_id = newest.area_id
        and figure.indicator_id = newest.indicator_id
        and figure.year = newest.year
        and newest.vintage = 'latest'
        and newest.is_mixed_vintage
        and newest.value is not null
    inner join {{ ref('int_circle__cell') }} as cell
        on figure.circle_id = cell.circle_id
        and figure.indicator_id = cell.indicator_id
        and figure.year = cell.year
        and cell.vintage = 'latest'
    inner join {{ ref('int_place__named') }} as place
        on cell.place_code = place.place_code
        and cell.year = place.year
    group by figure.figure_id
),

elsewhere as (
    select
        figure.figure_id,
        '; ' || printed.document || ' prints the R&D expenditure of '
        || cast(printed.members_with_data as varchar(10)) || ' of '
        || cast(printed.members_total as varchar(10)) || ' members, '
        || {{ shown('printed.rd_expenditure', 2) }} || ' 亿元 or '
        || {{ shown('printed.rd_intensity', 2) }} || ' % of GDP as first published; the printed '
        || {{ shown('figure.printed_value', 2) }} || ' % needs '
        || {{ shown('figure.interval_low * printed.gdp / 100 - printed.rd_expenditure', 1) }} || ' to '
        || {{ shown('figure.interval_high * printed.gdp / 100 - printed.rd_expenditure', 1) }}
        || ' 亿元 of the others' as told
    from figure
    inner join {{ ref('int_publications__printed_rd') }} as printed
        on figure.circle_id = printed.circle_id
        and figure.year = printed.year
        and figure.document <> printed.document
        and printed.vintage = 'first_published'
    where
        figure.indicator_id = 'rd_intensity'
        and printed.members_with_data < printed.members_total
),

-- GDP a head of a census year: what the printed GDP makes with the residents of the census.
census_people as (
    select
        figure.figure_id,
        '; the GDP that the document prints over the residents of the census, '
        || {{ shown('people.value', 0) }} || ' on 1 November, is '
        || {{ shown('cast(gdp.printed_value as double) / cast(people.value as double) * money.factor', 1) }}
        || ' ' || figure.unit as told
    from figure
    inner join figure as gdp
        on figure.document = gdp.document
        and figure.area_id = gdp.area_id
        and figure.year = gdp.year
        and gdp.indicator_id = 'gdp'
    inner join {{ ref('stg_registry__unit') }} as money
        on money.unit_id = 'cny_100m'
    inner join area_value as people
        on figure.area_id = people.area_id
        and figure.year = people.year
        and people.indicator_id = 'population_census'
        and people.vintage = 'latest'
    where
        figure.indicator_id = 'gdp_per_capita_year_end'
        and people.value is not null
)

select
    figure_id,
    kind,
    told
from alone
union all
select
    figure_id,
    'census_people' as kind,
    told
from census_people
union all
select
    figure_id,
    'printed_elsewhere' as kind,
    told
from elsewhere
union all
select
    figure_id,
    'revised_members' as kind,
    cast(revised_members as varchar(10)) || ' of ' || cast(members as varchar(10))
    || ' members as revised in edition ' || edition || ' have '
    || {{ shown('revised_value', 2) }} || ' ' || unit || ', the others (' || other_names
    || ') only an earlier edition, with ' || {{ shown('other_value', 2) }}
    || '; the printed total would leave these ' || {{ shown('printed_value - revised_value', 2) }} as told
from revised

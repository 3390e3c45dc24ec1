-- What is missing where a printed figure has an area, an indicator and a year, but no value under a
-- vintage: the parts that are not held, how much of them is, what would fill them, and what the nearest
-- years held say of the figure itself.
with figure as (
    select *
    from {{ ref('stg_publications__printed_figure') }}
    where
        area_id is not null
        and indicator_id is not null
        and year is not null
),

part as (
    select * from {{ ref('int_publications__part') }}
),

area_value as (
    select * from {{ ref('int_publications__area_value') }}
),

-- The vintages under which anything of the figure is held, and `none` where nothing is.
held as (
    select distinct
        figure.figure_id,
        area_value.vintage
    from figure
    inner join part
        on figure.indicator_id = part.indicator_id
    inner join area_value
        on figure.area_id = area_value.area_id
        and part.part_id = area_value.indicator_id
        and figure.year = area_value.year
    where not part.is_provincial
    union all
    select distinct
        figure.figure_id,
        area_value.vintage
    from figure
    inner join area_value
        on figure.area_id = area_value.area_id
        and figure.indicator_id = area_value.indicator_id
        and figure.year = area_value.year
),

vintages as (
    select distinct
        figure.figure_id,
        figure.area_id,
        figure.indicator_id,
        figure.year,
        coalesce(held.vintage, 'none') as vintage
    from figure
    left join held
        on figure.figure_id = held.figure_id
),

years_held as (
    select
        area_id,
        indicator_id,
        min(year) as first_year,
        max(year) as last_year,
        count(*) as years
    from area_value
    where
        vintage = 'latest'
        and value is not null
    group by area_id, indicator_id
),

-- The newest value of the three years before the figure and the oldest of the three after it: where it
-- would lie.
ranked as (
    select
        figure.figure_id,
        held.year,
        held.value,
        held.year < figure.year as is_before,
        row_number() over (
            partition by figure.figure_id, held.year < figure.year
            order by abs(held.year - figure.year)
        ) as nearness
    from figure
    inner join area_value as held
        on figure.area_id = held.area_id
        and figure.indicator_id = held.indicator_id
        and figure.year between held.year - 3 and held.year + 3
        and figure.year <> held.year
    where
        held.vintage = 'latest'
        and held.value is not null
),

neighbour as (
    select
        ranked.figure_id,
        {{ dbt.listagg(
            "cast(ranked.year as varchar(4)) || ': ' || " ~ shown('ranked.value', 2) ~ " || ' ' || indicator.unit",
            "', '", 'order by ranked.year') }} as told
    from ranked
    inner join figure
        on ranked.figure_id = figure.figure_id
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on figure.indicator_id = indicator.indicator_id
    where ranked.nearness = 1
    group by ranked.figure_id
),

-- The registry names the publications of Guangdong; other places have yearbooks of their own.
elsewhere as (
    select
        place_code as area_id,
        year,
        'the statistical yearbook of ' || place_name_zh || ', edition '
        || cast(year + 1 as varchar(4)) as would_be_filled_by
    from {{ ref('int_place__named') }}
    where substr(place_code, 1, 2) <> '44'
),

missing as (
    select
        vintages.figure_id,
        vintages.vintage,
        indicator.name_en
        || ' (' || indicator.indicator_id || ')'
        || case
            when area_value.members_total > 1
                then
                    ' for ' || cast(vintages.year as varchar(4)) || ' is held for '
                    || cast(area_value.members_with_data as varchar(10))
                    || ' of ' || cast(area_value.members_total as varchar(10)) || ' members'
            else ' for ' || cast(vintages.year as varchar(4))
        end
        || case
            when years_held.years is null then ''
            when years_held.years = 1
                then '; held for ' || cast(years_held.first_year as varchar(4)) || ' only'
            when years_held.years = years_held.last_year - years_held.first_year + 1
                then
                    '; held for ' || cast(years_held.first_year as varchar(4))
                    || ' to ' || cast(years_held.last_year as varchar(4))
            else
                '; held for ' || cast(years_held.years as varchar(10)) || ' years between '
                || cast(years_held.first_year as varchar(4))
                || ' and ' || cast(years_held.last_year as varchar(4))
        end
        || '; would be filled by '
        || case
            when indicator.would_be_filled_by like 'China City%' then indicator.would_be_filled_by
            else coalesce(elsewhere.would_be_filled_by, indicator.would_be_filled_by)
        end as missing
    from vintages
    inner join part
        on vintages.indicator_id = part.indicator_id
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on part.part_id = indicator.indicator_id
    left join area_value
        on vintages.area_id = area_value.area_id
        and part.part_id = area_value.indicator_id
        and vintages.year = area_value.year
        and vintages.vintage = area_value.vintage
    left join years_held
        on vintages.area_id = years_held.area_id
        and part.part_id = years_held.indicator_id
    left join elsewhere
        on vintages.area_id = elsewhere.area_id
        and vintages.year = elsewhere.year
    where
        area_value.value is null
        and not part.is_provincial
)

select
    vintages.figure_id,
    vintages.vintage,
    vintages.area_id,
    vintages.indicator_id,
    vintages.year,
    {{ dbt.listagg('missing.missing', "'. '", 'order by missing.missing') }}
    || coalesce('; the nearest years held: ' || max(neighbour.told), '') as missing
from vintages
left join missing
    on vintages.figure_id = missing.figure_id
    and vintages.vintage = missing.vintage
left join neighbour
    on vintages.figure_id = neighbour.figure_id
group by
    vintages.figure_id,
    vintages.vintage,
    vintages.area_id,
    vintages.indicator_id,
    vintages.year

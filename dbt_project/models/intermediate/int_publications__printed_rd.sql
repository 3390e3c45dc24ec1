-- R&D intensity of circles on the R&D expenditure that a document prints of their cities, where the
-- yearbooks held have none: one row per circle, document, year and vintage of GDP. A partial sum keeps
-- its row, as the least that the circle can have.
with printed as (
    select
        document,
        place_code,
        year,
        printed_value
    from {{ ref('stg_publications__printed_figure') }}
    where
        indicator_id = 'rd_expenditure'
        and place_code is not null
        and number is not null
),

summed as (
    select
        member.circle_id,
        printed.document,
        printed.year,
        max(member.members_total) as members_total,
        cast(count(*) as integer) as members_with_data,
        {{ measure('sum(printed.printed_value)') }} as rd_expenditure
    from {{ ref('int_circle__member') }} as member
    inner join printed
        on member.place_code = printed.place_code
    where
        member.weight = 1
        and not member.is_predecessor
    group by member.circle_id, printed.document, printed.year
),

held as (
    select
        area_id,
        year,
        vintage
    from {{ ref('int_publications__area_value') }}
    where
        indicator_id = 'rd_expenditure'
        and value is not null
)

select
    summed.circle_id,
    summed.document,
    summed.year,
    gdp.vintage,
    summed.members_total,
    summed.members_with_data,
    summed.rd_expenditure,
    gdp.value as gdp,
    {{ ratio('summed.rd_expenditure', 'gdp.value', 'indicator.factor') }} as rd_intensity
from summed
inner join {{ ref('stg_registry__indicator') }} as indicator
    on indicator.indicator_id = 'rd_intensity'
inner join {{ ref('int_publications__area_value') }} as gdp
    on summed.circle_id = gdp.area_id
    and summed.year = gdp.year
    and indicator.denominator = gdp.indicator_id
left join held
    on summed.circle_id = held.area_id
    and summed.year = held.year
    and gdp.vintage = held.vintage
where
    gdp.value_low > 0
    and held.area_id is null

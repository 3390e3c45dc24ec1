-- The structure of each member of complete circles: shares of the three industries, weighted with
-- GDP for sums, and the three intensity classes of manufacturing that the paper prints. Shares of a
-- place add to one.
with sector as (
    select
        indicator_id,
        case
            when indicator_id like '%~_share' escape '~' then 'three_industries'
            else 'manufacturing_intensity'
        end as basis
    from {{ ref('stg_registry__indicator') }}
    where
        indicator_id in ('primary_share', 'secondary_share', 'tertiary_share')
        or indicator_id like 'manufacturing~_share~_%' escape '~'
),

circle as (
    select
        circle_id,
        members_total
    from {{ ref('stg_geography__circle') }}
    where circle_kind = 'circle'
),

held as (
    select
        cell.circle_id,
        sector.basis,
        cell.indicator_id as sector,
        cell.year,
        cell.vintage,
        cell.place_code,
        cell.document || ' ' || cell.edition as source,
        cast(cell.value as double) as share,
        cast(gdp.value as double) as size
    from {{ ref('int_circle__cell') }} as cell
    inner join circle
        on cell.circle_id = circle.circle_id
    inner join sector
        on cell.indicator_id = sector.indicator_id
    inner join {{ ref('int_circle__cell') }} as gdp
        on cell.circle_id = gdp.circle_id
        and cell.place_code = gdp.place_code
        and cell.year = gdp.year
        and cell.vintage = gdp.vintage
        and gdp.indicator_id = 'gdp'
    where cell.weight = 1
),

printed as (
    select
        circle.circle_id,
        sector.basis,
        figure.indicator_id as sector,
        figure.year,
        'as_printed' as vintage,
        member.place_code,
        figure.document as source,
        cast(figure.printed_value as double) as share,
        cast(null as double) as size
    from {{ ref('stg_publications__printed_figure') }} as figure
    inner join sector
        on figure.indicator_id = sector.indicator_id
        and sector.basis = 'manufacturing_intensity'
    inner join {{ ref('int_circle__member') }} as member
        on figure.place_code = member.place_code
    inner join circle
        on member.circle_id = circle.circle_id
    where
        figure.year is not null
        and member.weight = 1
        and not member.is_predecessor
),

unioned as (
    select * from held
    union all
    select * from printed
),

complete as (
    select
        unioned.circle_id,
        unioned.basis,
        unioned.year,
        unioned.vintage,
        case when min(unioned.source) = max(unioned.source) then min(unioned.source) end as series
    from unioned
    inner join circle
        on unioned.circle_id = circle.circle_id
    group by unioned.circle_id, unioned.basis, unioned.year, unioned.vintage
    having count(*) = 3 * max(circle.members_total) and max(circle.members_total) >= 2
),

normalised as (
    select
        unioned.*,
        unioned.share
        / cast(
            sum({{ exact('unioned.share') }}) over (
                partition by
                    unioned.circle_id, unioned.basis, unioned.year, unioned.vintage, unioned.place_code
            ) as double
        ) as part
    from unioned
)

select
    normalised.circle_id,
    normalised.basis,
    normalised.sector,
    normalised.year,
    normalised.vintage,
    normalised.place_code,
    complete.series,
    normalised.part,
    normalised.part * normalised.size as amount
from normalised
inner join complete
    on normalised.circle_id = complete.circle_id
    and normalised.basis = complete.basis
    and normalised.year = complete.year
    and normalised.vintage = complete.vintage

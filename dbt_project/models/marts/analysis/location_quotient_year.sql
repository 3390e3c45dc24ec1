-- Location quotients of the three industries: the share of an industry in a member over its share in
-- the circle, and over its share in all cities of the province (indicator_methods, section 4).
with structure as (
    select *
    from {{ ref('int_circle__structure') }}
    where basis = 'three_industries'
),

circle_total as (
    select
        circle_id,
        sector,
        year,
        vintage,
        {{ exact_sum('amount') }} as amount
    from structure
    group by circle_id, sector, year, vintage
),

city as (
    select
        member.province_code,
        member.members_total,
        share.indicator_id as sector,
        share.year,
        share.vintage,
        share.document || ' ' || share.edition as source,
        cast(share.value as double) * cast(gdp.value as double) / 100 as amount
    from {{ ref('int_policy__cells') }} as share
    inner join {{ ref('int_policy__cells') }} as gdp
        on share.place_code = gdp.place_code
        and share.year = gdp.year
        and share.vintage = gdp.vintage
        and gdp.indicator_id = 'gdp'
    inner join {{ ref('int_province__member') }} as member
        on share.place_code = member.place_code
        and share.year = member.year
    where share.indicator_id in ('primary_share', 'secondary_share', 'tertiary_share')
),

province_total as (
    select
        province_code,
        sector,
        year,
        vintage,
        case when min(source) = max(source) then min(source) end as series,
        {{ exact_sum('amount') }} as amount
    from city
    group by province_code, sector, year, vintage
    having count(*) = max(members_total)
),

in_one_province as (
    select
        circle_id,
        max(province_code) as province_code
    from {{ ref('int_circle__member') }}
    group by circle_id
    having min(province_code) = max(province_code)
),

reference_total as (
    select
        circle_id,
        'circle' as reference,
        sector,
        year,
        vintage,
        cast(null as varchar(100)) as series,
        amount
    from circle_total
    union all
    select
        circle.circle_id,
        'province' as reference,
        province_total.sector,
        province_total.year,
        province_total.vintage,
        province_total.series,
        province_total.amount
    from province_total
    inner join in_one_province as circle
        on province_total.province_code = circle.province_code
),

referenced as (
    select
        *,
        amount
        / cast(
            sum({{ exact('amount') }}) over (partition by circle_id, reference, year, vintage) as double
        ) as part
    from reference_total
)

select
    structure.circle_id,
    structure.place_code,
    structure.sector,
    structure.year,
    structure.vintage,
    referenced.reference,
    {{ rounded('structure.part / referenced.part', 6) }} as location_quotient,
    {{ rounded('structure.part', 8) }} as sector_share,
    {{ rounded('referenced.part', 8) }} as reference_share,
    structure.series is null
    or (referenced.reference = 'province' and (referenced.series is null or referenced.series <> structure.series))
        as is_mixed_vintage
from structure
inner join referenced
    on structure.circle_id = referenced.circle_id
    and structure.sector = referenced.sector
    and structure.year = referenced.year
    and structure.vintage = referenced.vintage

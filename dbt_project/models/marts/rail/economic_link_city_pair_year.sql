-- Economic links of two cities by the gravity model, R = M1 * M2 / D ^ b, under every named variant
-- of mass, basis of distance and exponent (seed link_variant). An index without a natural scale: its
-- share of all pairs of the circle and its rank are what can be compared.
{% set radius_km = 6371.0088 %}

with value as (
    select
        place_code,
        year,
        max(case when indicator_id = 'gdp' then value end) as gdp,
        max(case when indicator_id = 'population_resident' then value end) as population
    from {{ ref('city_indicator_best') }}
    where
        indicator_id in ('gdp', 'population_resident')
        and place_level = 'prefecture'
    group by place_code, year
),

member as (
    select
        circle_id,
        place_code
    from {{ ref('stg_geography__circle_member') }}
    where
        circle_id in ('GZ_PAPER9', 'PRW')
        and coverage = 'whole'
        and place_code like '44%00'
),

point as (
    select
        place_code,
        point_kind,
        radians(longitude) as longitude,
        radians(latitude) as latitude
    from {{ ref('stg_geography__city_centre') }}
    where point_kind in ('seat', 'centroid')
),

line as (
    select
        a.place_code,
        b.place_code as other_code,
        a.point_kind as distance_basis,
        2 * {{ radius_km }} * asin(
            sqrt(
                power(sin((b.latitude - a.latitude) / 2), 2)
                + cos(a.latitude) * cos(b.latitude)
                * power(sin((b.longitude - a.longitude) / 2), 2)
            )
        ) as distance
    from point as a
    inner join point as b
        on a.point_kind = b.point_kind
        and a.place_code < b.place_code
),

-- The fastest direct train either way on the newest ordinary workday held.
reference_date as (
    select max(service_date) as service_date
    from {{ ref('int_rail__day') }}
    where
        day_type = 'workday'
        and not is_gap_day
),

train as (
    select
        {{ least_text('pair.origin_code', 'pair.destination_code') }} as place_code,
        {{ greatest_text('pair.origin_code', 'pair.destination_code') }} as other_code,
        'rail_minutes' as distance_basis,
        cast(min(pair.fastest_minutes) as double) as distance
    from {{ ref('rail_city_pair_day') }} as pair
    inner join reference_date
        on pair.service_date = reference_date.service_date
    where pair.place_level = 'prefecture'
    group by
        {{ least_text('pair.origin_code', 'pair.destination_code') }},
        {{ greatest_text('pair.origin_code', 'pair.destination_code') }}
),

distance as (
    select * from line
    union all
    select * from train
),

mass as (
    select
        place_code,
        year,
        'gdp' as mass,
        gdp as value
    from value
    union all
    select
        place_code,
        year,
        'population' as mass,
        population as value
    from value
    union all
    select
        place_code,
        year,
        'sqrt_population_gdp' as mass,
        sqrt(population * gdp) as value
    from value
),

link as (
    select
        member.circle_id,
        a.year,
        variant.variant,
        variant.mass,
        variant.distance_basis,
        variant.exponent,
        a.place_code as origin_code,
        b.place_code as destination_code,
        distance.distance,
        {{ rounded('a.value * b.value / power(distance.distance, variant.exponent)', 4) }} as link
    from member
    inner join member as other
        on member.circle_id = other.circle_id
        and member.place_code < other.place_code
    cross join {{ ref('link_variant') }} as variant
    inner join mass as a
        on member.place_code = a.place_code
        and variant.mass = a.mass
    inner join mass as b
        on other.place_code = b.place_code
        and variant.mass = b.mass
        and a.year = b.year
    inner join distance
        on member.place_code = distance.place_code
        and other.place_code = distance.other_code
        and variant.distance_basis = distance.distance_basis
    where
        a.value is not null
        and b.value is not null
),

-- A ranking of some of the pairs is none: without GDP or population of a city a year has no links.
held as (
    select
        circle_id,
        year,
        variant,
        distance_basis,
        count(*) as pairs,
        sum({{ exact('link') }}) as total
    from link
    group by circle_id, year, variant, distance_basis
),

-- By rail the pairs are those that have a direct train.
size as (
    select
        member.circle_id,
        distance.distance_basis,
        count(*) as pairs
    from member
    inner join member as other
        on member.circle_id = other.circle_id
        and member.place_code < other.place_code
    inner join distance
        on member.place_code = distance.place_code
        and other.place_code = distance.other_code
    group by member.circle_id, distance.distance_basis
)

select
    link.circle_id,
    cast(link.year as integer) as year,
    link.variant,
    link.origin_code,
    link.destination_code,
    link.mass,
    link.distance_basis,
    cast(link.exponent as integer) as exponent,
    {{ rounded('link.distance', 3) }} as distance,
    cast(link.link as double) as link,
    {{ rounded('link.link / cast(held.total as double)', 8) }} as link_share,
    cast(
        rank() over (
            partition by link.circle_id, link.year, link.variant order by link.link desc
        ) as integer
    ) as link_rank,
    cast(held.pairs as integer) as pairs
from link
inner join held
    on link.circle_id = held.circle_id
    and link.year = held.year
    and link.variant = held.variant
inner join size
    on link.circle_id = size.circle_id
    and link.distance_basis = size.distance_basis
where held.pairs = size.pairs

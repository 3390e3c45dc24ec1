-- What two circles share, in the smallest units held: counties, and cities without counties. Their
-- census population is what a sum of the two circles would count twice.
with circle as (
    select
        circle_id,
        circle_name_zh,
        valid_from
    from {{ ref('stg_geography__circle') }}
    where circle_kind in ('circle', 'core')
),

county as (
    select distinct
        place_code,
        parent_code
    from {{ ref('int_place__named') }}
    where
        place_level = 'county'
        and year = 2020
        and place_code in (
            select place_code
            from {{ ref('int_policy__cells') }}
            where
                indicator_id = 'population_census'
                and year = 2020
                and vintage = 'latest'
        )
),

unit as (
    select
        member.circle_id,
        coalesce(county.place_code, member.place_code) as unit_code
    from {{ ref('int_circle__member') }} as member
    inner join circle
        on member.circle_id = circle.circle_id
    left join county
        on member.place_code = county.parent_code
    where
        member.weight = 1
        and not member.is_predecessor
),

peopled as (
    select
        unit.circle_id,
        unit.unit_code,
        cast(cell.value as double) as population
    from unit
    left join {{ ref('int_policy__cells') }} as cell
        on unit.unit_code = cell.place_code
        and cell.indicator_id = 'population_census'
        and cell.year = 2020
        and cell.vintage = 'latest'
),

total as (
    select
        circle_id,
        cast(count(*) as integer) as units,
        {{ exact_sum('population') }} as population
    from peopled
    group by circle_id
),

shared as (
    select
        a.circle_id,
        b.circle_id as other_circle_id,
        cast(count(*) as integer) as units_shared,
        {{ exact_sum('a.population') }} as population_shared,
        {{ dbt.listagg('a.unit_code', "', '", 'order by a.unit_code') }} as units_shared_codes
    from peopled as a
    inner join peopled as b
        on a.unit_code = b.unit_code
        and a.circle_id <> b.circle_id
    group by a.circle_id, b.circle_id
)

select
    a.circle_id,
    b.circle_id as other_circle_id,
    a.units,
    b.units as units_other,
    coalesce(shared.units_shared, 0) as units_shared,
    a.population as population_census,
    b.population as population_census_other,
    coalesce(shared.population_shared, 0) as population_counted_twice,
    {{ rounded('coalesce(shared.population_shared, 0) / a.population', 6) }} as share_of_circle,
    {{ rounded('coalesce(shared.population_shared, 0) / b.population', 6) }} as share_of_other,
    coalesce(shared.units_shared, 0) = a.units as lies_within_other,
    shared.units_shared_codes
from total as a
inner join total as b
    on a.circle_id <> b.circle_id
left join shared
    on a.circle_id = shared.circle_id
    and b.circle_id = shared.other_circle_id

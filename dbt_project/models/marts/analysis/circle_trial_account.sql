-- Trial accounts of circles that take in parts of cities: what whole cities and counties publish, whole
-- cities with their parts by apportionment, and the range that the apportionments span. Latest vintage.
with apportion as (
    select * from {{ ref('int_circle__apportion') }}
),

whole as (
    select
        member.circle_id,
        member.place_code
    from {{ ref('int_circle__member') }} as member
    inner join {{ ref('int_place__named') }} as place
        on member.place_code = place.place_code
        and place.year = 2020
        and place.place_level = 'prefecture'
    where
        member.circle_id in (select circle_id from apportion)
        and member.weight = 1
        and not member.is_predecessor
),

part as (
    select
        circle_id,
        place_code,
        'gdp' as indicator_id,
        'population_share' as method,
        cast(1 as double) as share
    from whole
    union all
    select
        circle_id,
        place_code,
        'gdp' as indicator_id,
        'output_share' as method,
        cast(1 as double) as share
    from whole
    union all
    select
        circle_id,
        place_code,
        'population_resident' as indicator_id,
        'population_share' as method,
        cast(1 as double) as share
    from whole
    union all
    select
        circle_id,
        city_code as place_code,
        'gdp' as indicator_id,
        'population_share' as method,
        population_share as share
    from apportion
    union all
    select
        circle_id,
        city_code as place_code,
        'gdp' as indicator_id,
        'output_share' as method,
        output_share as share
    from apportion
    union all
    select
        circle_id,
        city_code as place_code,
        'population_resident' as indicator_id,
        'population_share' as method,
        population_share as share
    from apportion
),

wanted as (
    select
        circle_id,
        indicator_id,
        method,
        count(*) as parts
    from part
    where share is not null
    group by circle_id, indicator_id, method
),

summed as (
    select
        part.circle_id,
        part.indicator_id,
        part.method,
        cell.year,
        count(*) as parts,
        max(cell.unit) as unit,
        {{ exact_sum('cast(cell.value as double) * part.share') }} as value,
        {{ exact_sum('cast(cell.value_low as double) * part.share') }} as value_low,
        {{ exact_sum('cast(cell.value_high as double) * part.share') }} as value_high,
        {{ exact_sum('case when part.share = 1 then cast(cell.value as double) else 0 end') }}
            as observed_value,
        case
            when min(cell.document || ' ' || cell.edition) = max(cell.document || ' ' || cell.edition)
                then min(cell.document || ' ' || cell.edition)
        end as series,
        max(case when cell.status = 'preliminary' then 1 else 0 end) = 1 as is_preliminary
    from part
    inner join {{ ref('int_policy__cells') }} as cell
        on part.place_code = cell.place_code
        and part.indicator_id = cell.indicator_id
        and cell.vintage = 'latest'
    where part.share is not null
    group by part.circle_id, part.indicator_id, part.method, cell.year
),

complete as (
    select summed.*
    from summed
    inner join wanted
        on summed.circle_id = wanted.circle_id
        and summed.indicator_id = wanted.indicator_id
        and summed.method = wanted.method
        and summed.parts = wanted.parts
    -- The shares are of 2019 and 2020: no further back than the revision of 2018 reaches.
    where summed.year >= 2018
),

per_head as (
    select
        gdp.circle_id,
        'gdp_per_capita_year_end' as indicator_id,
        gdp.method,
        gdp.year,
        indicator.unit,
        gdp.value / people.value * indicator.factor as value,
        gdp.value_low / people.value_high * indicator.factor as value_low,
        gdp.value_high / people.value_low * indicator.factor as value_high,
        cast(null as double) as observed_value,
        case when gdp.series = people.series then gdp.series end as series,
        gdp.is_preliminary or people.is_preliminary as is_preliminary
    from complete as gdp
    inner join complete as people
        on gdp.circle_id = people.circle_id
        and gdp.year = people.year
        and people.indicator_id = 'population_resident'
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on indicator.indicator_id = 'gdp_per_capita_year_end'
    where gdp.indicator_id = 'gdp'
),

estimated as (
    select
        circle_id,
        indicator_id,
        method,
        year,
        unit,
        value,
        value_low,
        value_high,
        observed_value,
        series,
        is_preliminary,
        'estimated' as state
    from complete
    union all
    select
        circle_id,
        indicator_id,
        method,
        year,
        unit,
        value,
        value_low,
        value_high,
        observed_value,
        series,
        is_preliminary,
        'estimated' as state
    from per_head
),

bounded as (
    select
        circle_id,
        indicator_id,
        'range' as method,
        year,
        max(unit) as unit,
        cast(null as double) as value,
        min(value_low) as value_low,
        max(value_high) as value_high,
        max(observed_value) as observed_value,
        max(series) as series,
        max(case when is_preliminary then 1 else 0 end) = 1 as is_preliminary,
        'bounded' as state
    from estimated
    group by circle_id, indicator_id, year
    having count(*) > 1
),

-- What the members publish, without any estimate: the least that the account can be.
observed as (
    select
        cell.circle_id,
        cell.indicator_id,
        'published_members' as method,
        cell.year,
        max(cell.unit) as unit,
        cast(null as double) as value,
        {{ exact_sum('cell.value_low') }} as value_low,
        cast(null as double) as value_high,
        {{ exact_sum('cell.value') }} as observed_value,
        case
            when min(cell.document || ' ' || cell.edition) = max(cell.document || ' ' || cell.edition)
                then min(cell.document || ' ' || cell.edition)
        end as series,
        max(case when cell.status = 'preliminary' then 1 else 0 end) = 1 as is_preliminary,
        'observed' as state,
        cast(count(*) as integer) as members_with_data
    from {{ ref('int_circle__cell') }} as cell
    inner join complete
        on cell.circle_id = complete.circle_id
        and cell.indicator_id = complete.indicator_id
        and cell.year = complete.year
        and complete.method = 'population_share'
    where
        cell.vintage = 'latest'
        and cell.weight = 1
    group by cell.circle_id, cell.indicator_id, cell.year
),

member as (
    select
        circle_id,
        max(members_total) as members_total
    from {{ ref('int_circle__member') }}
    group by circle_id
),

unioned as (
    select
        *,
        cast(null as integer) as members_with_data
    from estimated
    union all
    select
        *,
        cast(null as integer) as members_with_data
    from bounded
    union all
    select * from observed
)

select
    unioned.circle_id,
    unioned.indicator_id,
    unioned.year,
    unioned.method,
    {{ rounded('unioned.value', 6) }} as value,
    {{ rounded('unioned.value_low', 6) }} as value_low,
    {{ rounded('unioned.value_high', 6) }} as value_high,
    unioned.unit,
    unioned.state,
    {{ rounded('unioned.observed_value', 6) }} as observed_value,
    {{ rounded('1 - unioned.observed_value / unioned.value', 6) }} as estimated_share,
    unioned.members_with_data,
    member.members_total,
    unioned.series,
    unioned.series is null as is_mixed_vintage,
    unioned.is_preliminary,
    unioned.state <> 'observed' as is_estimate
from unioned
inner join member
    on unioned.circle_id = member.circle_id

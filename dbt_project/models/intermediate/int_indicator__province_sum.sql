-- Where an edition prints every city of a province but no provincial total, the sum of its cities
-- stands in, flagged as an estimate: before the 2018 census revision the sum of the cities is not
-- the province (indicator_methods, 0.5).
with observation as (
    select * from {{ ref('stg_yearbook__observation') }}
),

additive as (
    -- Where the cities leave something out in every edition (the province's own budget), their
    -- sum is no stand-in for the province at all.
    select indicator.indicator_id
    from {{ ref('stg_registry__indicator') }} as indicator
    left join {{ ref('sum_of_cities_refused') }} as refused
        on indicator.indicator_id = refused.indicator_id
        and refused.before_edition is null
    where
        indicator.aggregation = 'sum'
        and refused.indicator_id is null
),

summed as (
    select
        member.province_code as place_code,
        observation.indicator_id,
        observation.data_year,
        'province' as scope,
        observation.document,
        observation.edition,
        max(observation.published_on) as published_on,
        max(observation.published_on_precision) as published_on_precision,
        max(observation.unit) as unit,
        max(case when observation.status = 'preliminary' then 1 else 0 end) as preliminaries,
        sum(observation.value) as value,
        sum(observation.value_low) as value_low,
        sum(observation.value_high) as value_high,
        count(*) as members_with_data,
        max(member.members_total) as members_total
    from observation
    inner join additive
        on observation.indicator_id = additive.indicator_id
    inner join {{ ref('int_province__member') }} as member
        on observation.place_code = member.place_code
        and observation.data_year = member.year
    where {{ is_whole('observation') }}
    group by
        member.province_code,
        observation.indicator_id,
        observation.data_year,
        observation.document,
        observation.edition
),

printed as (
    select distinct
        place_code,
        indicator_id,
        data_year,
        document,
        edition
    from observation
)

select
    summed.place_code,
    summed.indicator_id,
    summed.data_year,
    summed.scope,
    summed.document,
    summed.edition,
    summed.published_on,
    summed.published_on_precision,
    summed.unit,
    case when summed.preliminaries = 1 then 'preliminary' else 'unknown' end as status,
    {{ measure('summed.value') }} as value,
    {{ measure('summed.value_low') }} as value_low,
    {{ measure('summed.value_high') }} as value_high,
    {{ fact_hash(["'province_sum'", 'summed.place_code', 'summed.indicator_id',
        'cast(summed.data_year as varchar(4))', 'summed.document', 'summed.edition']) }} as fact_id
from summed
left join printed
    on summed.place_code = printed.place_code
    and summed.indicator_id = printed.indicator_id
    and summed.data_year = printed.data_year
    and summed.document = printed.document
    and summed.edition = printed.edition
where
    printed.place_code is null
    and summed.members_with_data = summed.members_total

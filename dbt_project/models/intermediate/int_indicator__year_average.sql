-- Resident population as the mean of two year ends, what official GDP per head is divided by. Both year
-- ends come from one edition: the mean of a figure before a census and one after it is neither.
with observation as (
    select * from {{ ref('stg_yearbook__observation') }}
),

resident as (
    select
        observation.fact_id,
        observation.document,
        observation.edition,
        observation.published_on,
        observation.published_on_precision,
        observation.place_code,
        observation.data_year,
        observation.scope,
        observation.status,
        observation.unit,
        observation.value,
        observation.value_low,
        observation.value_high,
        false as is_estimate
    from observation
    where
        observation.indicator_id = 'population_resident'
        and {{ is_whole('observation') }}
    union all
    select
        fact_id,
        document,
        edition,
        published_on,
        published_on_precision,
        place_code,
        data_year,
        scope,
        status,
        unit,
        value,
        value_low,
        value_high,
        true as is_estimate
    from {{ ref('int_indicator__province_sum') }}
    where indicator_id = 'population_resident'
)

select
    ending.place_code,
    'population_resident_average' as indicator_id,
    ending.data_year,
    ending.scope,
    ending.document,
    ending.edition,
    ending.published_on,
    ending.published_on_precision,
    ending.unit,
    case when 'preliminary' in (ending.status, beginning.status) then 'preliminary' else 'unknown' end
        as status,
    {{ measure('(beginning.value + ending.value) / 2') }} as value,
    {{ measure('(beginning.value_low + ending.value_low) / 2') }} as value_low,
    {{ measure('(beginning.value_high + ending.value_high) / 2') }} as value_high,
    ending.is_estimate,
    case when ending.is_estimate then 'mean_of_year_ends; sum_of_cities' else 'mean_of_year_ends' end
        as method,
    ending.fact_id as ending_fact_id,
    beginning.fact_id as beginning_fact_id,
    {{ fact_hash(["'year_average'", 'ending.place_code', "'population_resident_average'",
        'cast(ending.data_year as varchar(4))', 'ending.scope', 'ending.document', 'ending.edition']) }}
        as fact_id
from resident as ending
inner join resident as beginning
    on ending.place_code = beginning.place_code
    and ending.scope = beginning.scope
    and ending.document = beginning.document
    and ending.edition = beginning.edition
    and ending.data_year = beginning.data_year + 1

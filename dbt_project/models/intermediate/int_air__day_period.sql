-- Each day in its month and in its year: the periods that statistics are made for.
with record as (
    select
        place_code,
        document,
        edition,
        network,
        state,
        observed_on,
        fact_id
    from {{ ref('stg_environment__air_city_day') }}
)

select
    *,
    'month' as period_type,
    cast({{ dbt.date_trunc('month', 'observed_on') }} as date) as period_start,
    cast({{ dbt.last_day('observed_on', 'month') }} as date) as period_end
from record
union all
select
    *,
    'year' as period_type,
    cast({{ dbt.date_trunc('year', 'observed_on') }} as date) as period_start,
    cast({{ dbt.last_day('observed_on', 'year') }} as date) as period_end
from record

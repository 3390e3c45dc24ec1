-- Each series in each month and year that it has days of: what a statistic is about, under one number.
-- A period in which the state of concentrations changed (September 2018) is `mixed`: no statistic is
-- made across the change.
with day_period as (
    select
        place_code, document, edition, network, state,
        'month' as period_type,
        cast({{ dbt.date_trunc('month', 'observed_on') }} as date) as period_start,
        cast({{ dbt.last_day('observed_on', 'month') }} as date) as period_end
    from {{ ref('int_air__city_day') }}
    union all
    select
        place_code, document, edition, network, state,
        'year' as period_type,
        cast({{ dbt.date_trunc('year', 'observed_on') }} as date) as period_start,
        cast({{ dbt.last_day('observed_on', 'year') }} as date) as period_end
    from {{ ref('int_air__city_day') }}
),

series as (
    select
        place_code,
        document,
        edition,
        network,
        period_type,
        period_start,
        period_end,
        min(state) as first_state,
        max(state) as last_state
    from day_period
    group by place_code, document, edition, network, period_type, period_start, period_end
)

select
    row_number() over (
        order by document, edition, network, place_code, period_type, period_start
    ) as period_id,
    place_code,
    document,
    edition,
    network,
    case when first_state = last_state then first_state else 'mixed' end as state,
    period_type,
    period_start,
    period_end
from series

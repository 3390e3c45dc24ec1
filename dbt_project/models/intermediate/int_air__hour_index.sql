-- noqa: disable=LT02
-- (loops write these columns; the linter indents the loop, not what it writes)
{{ config(materialized='view') }}
-- The hourly index of each record that prints one (HJ 633-2012: 1-hour values of all six, particles
-- by their 24-hour breakpoints). Breakpoints stand side by side in one row, so that millions of hours
-- need no join by range. `aqi_co_raw` is the index with carbon monoxide as printed: before 2018 the
-- platform did not round it first.
with breakpoint as (
    select
        standard,
        valid_from,
        valid_to,
        {% for pollutant, expression in hourly_pollutants() %}
            {% set last = loop.last %}
            {% for level in iaqi_levels() %}
                max(
                    case
                        when pollutant = '{{ pollutant }}' and iaqi = {{ level }}
                            then cast(concentration as double)
                    end
                ) as {{ pollutant }}_{{ level }}{{ ',' if not (last and loop.last) }}
            {% endfor %}
        {% endfor %}
    from {{ ref('stg_environment__breakpoint') }}
    where report = 'hourly'
    group by standard, valid_from, valid_to
),

rounded as (
    select
        *,
        {% for pollutant, expression in hourly_pollutants() %}
            {{ expression }} as {{ pollutant }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('stg_environment__air_station_hour') }}
    where aqi_published is not null
),

indexed as (
    select
        rounded.*,
        breakpoint.standard,
        {% for pollutant, expression in hourly_pollutants() %}
            {{ iaqi_between('rounded.' ~ pollutant, 'breakpoint.' ~ pollutant) }}
                as iaqi_{{ pollutant }},
        {% endfor %}
        {{ iaqi_between('rounded.co_mgm3', 'breakpoint.co') }} as iaqi_co_raw
    from rounded
    left join breakpoint
        on rounded.observed_on >= breakpoint.valid_from
        and (breakpoint.valid_to is null or rounded.observed_on <= breakpoint.valid_to)
)

select
    *,
    cast(nullif(greatest(
        {% for pollutant, expression in hourly_pollutants() %}
            coalesce(iaqi_{{ pollutant }}, -1){{ ',' if not loop.last }}
        {% endfor %}
    ), -1) as integer) as aqi,
    cast(nullif(greatest(
        {% for pollutant, expression in hourly_pollutants() %}
            coalesce(iaqi_{{ 'co_raw' if pollutant == 'co' else pollutant }}, -1){{ ',' if not loop.last }}
        {% endfor %}
    ), -1) as integer) as aqi_co_raw,
    {% for pollutant, expression in hourly_pollutants() %}
        case when {{ pollutant }} is null then 1 else 0 end{{ ' +' if not loop.last }}
    {% endfor %}
    as pollutants_missing
from indexed

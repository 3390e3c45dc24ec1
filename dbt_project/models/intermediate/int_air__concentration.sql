-- One row per city, day and pollutant that has a value, rounded first (HJ 663-2013, 6.3).
with record as (
    select * from {{ ref('int_air__city_day') }}
),

unpivoted as (
    {% for pollutant, column, decimals in pollutants() %}
        select
            fact_id,
            observed_on,
            '{{ pollutant }}' as pollutant,
            {{ half_even(column, decimals) }} as concentration
        from record
        where {{ column }} is not null
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from unpivoted

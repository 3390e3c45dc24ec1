-- depends_on: {{ ref('stg_registry__indicator') }}
{%- set ids = indicator_ids() %}
select
    place_code,
    year,
    max(place_level) as place_level,
    max(place_name_zh) as place_name_zh,
    max(place_name_en) as place_name_en
{%- for id in ids %},
    max(case when indicator_id = '{{ id }}' then value end) as {{ id }}
    {%- endfor %}
from {{ ref('city_indicator_best') }}
group by place_code, year

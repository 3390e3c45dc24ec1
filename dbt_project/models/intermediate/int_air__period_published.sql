-- One row per place and bulletin: its printed values side by side.
{% set measures = [
    'aqi_rate_pct', 'pm25_ugm3', 'pm10_ugm3', 'no2_ugm3', 'o3_8h_p90_ugm3', 'composite_index',
    'composite_index_rank', 'composite_index_change_pct', 'pm25_rank', 'aqi_rank',
] %}
select
    place_code,
    document,
    edition,
    network,
    state,
    period_type,
    period_start,
    period_end,
    max(source_kind) as source_kind,
    max(snapshot_id) as snapshot_id,
    {% for measure in measures %}
        max(case when measure = '{{ measure }}' then value end) as {{ measure }},
    {% endfor %}
    max(case when measure = 'aqi_rate_pct' then decimals end) as aqi_rate_decimals,
    max(case when measure = 'composite_index' then decimals end) as composite_index_decimals,
    coalesce(
        max(case when measure = 'aqi_rate_pct' then locator end),
        max(case when measure = 'pm25_ugm3' then locator end)
    ) as locator
from {{ ref('stg_environment__bulletin') }}
group by
    place_code, document, edition, network, state, period_type, period_start, period_end

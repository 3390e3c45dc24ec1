-- One row per place and publication: its printed values side by side. is_relay: computed by a third
-- party from the platform's values, not printed by the authority.
{% set measures = [
    'aqi_rate_pct', 'pm25_ugm3', 'pm10_ugm3', 'no2_ugm3', 'o3_8h_p90_ugm3', 'composite_index',
    'composite_index_rank', 'composite_index_change_pct', 'pm25_rank', 'aqi_rank',
] %}
with relay as (
    select
        document,
        max(case when relays then 1 else 0 end) = 1 as is_relay
    from {{ ref('stg_registry__document') }}
    group by document
)

select
    printed.place_code,
    printed.document,
    -- A month may be printed by its own bulletin and, in part, by a cumulative one.
    max(printed.edition) as edition,
    printed.network,
    printed.state,
    printed.period_type,
    printed.period_start,
    printed.period_end,
    coalesce(relay.is_relay, false) as is_relay,
    max(printed.source_kind) as source_kind,
    max(printed.snapshot_id) as snapshot_id,
    {% for measure in measures %}
        max(case when printed.measure = '{{ measure }}' then printed.value end) as {{ measure }},
    {% endfor %}
    max(case when printed.measure = 'aqi_rate_pct' then printed.decimals end) as aqi_rate_decimals,
    max(case when printed.measure = 'composite_index' then printed.decimals end)
        as composite_index_decimals,
    coalesce(
        max(case when printed.measure = 'aqi_rate_pct' then printed.locator end),
        max(case when printed.measure = 'pm25_ugm3' then printed.locator end)
    ) as locator
from {{ ref('stg_environment__bulletin') }} as printed
left join relay
    on printed.document = relay.document
group by
    printed.place_code, printed.document, printed.network, printed.state, printed.period_type,
    printed.period_start, printed.period_end, coalesce(relay.is_relay, false)

-- Entropy weights of the indicators of each panel, with equal weights beside them.
with cell as (
    select
        *,
        scaled / nullif(cast(sum({{ exact('scaled') }}) over (partition by panel_id, indicator_id) as double), 0)
            as part
    from {{ ref('int_composite__cell') }}
),

entropy as (
    select
        panel_id,
        circle_id,
        system,
        indicator_id,
        max(direction) as direction,
        max(cells) as cells,
        min(least) as least,
        max(most) as most,
        count(distinct year) as years,
        max(most) = min(least) as is_constant,
        -{{ exact_sum('case when part > 0 then part * ln(part) else 0 end') }} / ln(max(cells)) as entropy
    from cell
    group by panel_id, circle_id, system, indicator_id
),

diverse as (
    select
        *,
        case when is_constant then 0 else 1 - entropy end as divergence
    from entropy
),

totalled as (
    select
        *,
        sum({{ exact('divergence') }}) over (partition by panel_id) as divergence_total,
        sum({{ exact('divergence') }}) over (partition by panel_id, system) as divergence_system,
        count(*) over (partition by panel_id) as indicators,
        count(*) over (partition by panel_id, system) as indicators_system
    from diverse
)

select
    panel_id,
    circle_id,
    system,
    indicator_id,
    direction,
    cast(cells as integer) as city_years,
    cast(years as integer) as years,
    least as value_min,
    most as value_max,
    {{ rounded('entropy', 8) }} as entropy,
    {{ rounded('divergence', 8) }} as divergence,
    {{ rounded('divergence / cast(divergence_total as double)', 8) }} as weight_entropy,
    {{ rounded('cast(1 as double) / indicators', 8) }} as weight_equal,
    {{ rounded('divergence / cast(divergence_system as double)', 8) }} as weight_in_system,
    is_constant
from totalled

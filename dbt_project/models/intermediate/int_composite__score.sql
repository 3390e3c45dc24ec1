-- Scores of each city-year under entropy weights, equal weights, and with each indicator left out.
with weighted as (
    select
        cell.panel_id,
        cell.circle_id,
        cell.place_code,
        cell.year,
        cell.system,
        cell.indicator_id,
        cell.scaled,
        weight.weight_entropy,
        weight.weight_equal,
        weight.weight_in_system
    from {{ ref('int_composite__cell') }} as cell
    inner join {{ ref('composite_weight') }} as weight
        on cell.panel_id = weight.panel_id
        and cell.indicator_id = weight.indicator_id
),

scheme as (
    select
        panel_id,
        'entropy' as scheme,
        cast(null as varchar(100)) as left_out
    from {{ ref('composite_weight') }}
    union
    select
        panel_id,
        'equal' as scheme,
        cast(null as varchar(100)) as left_out
    from {{ ref('composite_weight') }}
    union
    select
        panel_id,
        'without' as scheme,
        indicator_id as left_out
    from {{ ref('composite_weight') }}
)

select
    weighted.panel_id,
    weighted.circle_id,
    weighted.place_code,
    weighted.year,
    scheme.scheme,
    scheme.left_out,
    {{ exact_sum(
        "weighted.scaled * case when scheme.scheme = 'equal' then weighted.weight_equal else weighted.weight_entropy end"
    ) }}
    / {{ exact_sum("case when scheme.scheme = 'equal' then weighted.weight_equal else weighted.weight_entropy end") }}
        as score
from weighted
inner join scheme
    on weighted.panel_id = scheme.panel_id
    and (scheme.left_out is null or weighted.indicator_id <> scheme.left_out)
group by
    weighted.panel_id, weighted.circle_id, weighted.place_code, weighted.year,
    scheme.scheme, scheme.left_out

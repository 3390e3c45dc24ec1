-- Composite scores and coupling coordination of two systems (indicator_methods, section 10). Never a
-- headline: equal weights and the ranks without each indicator stand beside.
with ranked as (
    select
        *,
        rank() over (
            partition by panel_id, year, scheme, left_out order by {{ rounded('score', 10) }} desc
        ) as place_rank
    from {{ ref('int_composite__score') }}
),

scored as (
    select
        panel_id,
        circle_id,
        place_code,
        year,
        max(case when scheme = 'entropy' then score end) as score_entropy,
        max(case when scheme = 'equal' then score end) as score_equal,
        max(case when scheme = 'entropy' then place_rank end) as rank_entropy,
        max(case when scheme = 'equal' then place_rank end) as rank_equal,
        min(case when scheme = 'without' then place_rank end) as rank_best_without_one,
        max(case when scheme = 'without' then place_rank end) as rank_worst_without_one
    from ranked
    group by panel_id, circle_id, place_code, year
),

system_score as (
    select
        cell.panel_id,
        cell.place_code,
        cell.year,
        cell.system,
        {{ exact_sum('cell.scaled * weight.weight_in_system') }} as score
    from {{ ref('int_composite__cell') }} as cell
    inner join {{ ref('composite_weight') }} as weight
        on cell.panel_id = weight.panel_id
        and cell.indicator_id = weight.indicator_id
    group by cell.panel_id, cell.place_code, cell.year, cell.system
),

coupled as (
    select
        panel_id,
        place_code,
        year,
        count(*) as systems,
        min(system) as system_a,
        max(system) as system_b,
        min(score) as least,
        max(case when system_rank = 1 then score end) as score_a,
        max(case when system_rank = 2 then score end) as score_b
    from (
        select
            *,
            row_number() over (partition by panel_id, place_code, year order by system) as system_rank
        from system_score
    ) as numbered
    group by panel_id, place_code, year
    having count(*) = 2
),

coordinated as (
    select
        *,
        {{ coupling('score_a', 'score_b') }} as coupling
    from coupled
)

select
    scored.panel_id,
    scored.circle_id,
    scored.place_code,
    scored.year,
    {{ rounded('scored.score_entropy', 6) }} as score_entropy,
    {{ rounded('scored.score_equal', 6) }} as score_equal,
    cast(scored.rank_entropy as integer) as rank_entropy,
    cast(scored.rank_equal as integer) as rank_equal,
    cast(scored.rank_best_without_one as integer) as rank_best_without_one,
    cast(scored.rank_worst_without_one as integer) as rank_worst_without_one,
    coordinated.system_a,
    coordinated.system_b,
    {{ rounded('coordinated.score_a', 6) }} as score_a,
    {{ rounded('coordinated.score_b', 6) }} as score_b,
    {{ rounded('coordinated.coupling', 6) }} as coupling,
    {{ rounded('sqrt(coordinated.coupling * (coordinated.score_a + coordinated.score_b) / 2)', 6) }}
        as coordination,
    coordinated.least = 0 as has_zero_score
from scored
left join coordinated
    on scored.panel_id = coordinated.panel_id
    and scored.place_code = coordinated.place_code
    and scored.year = coordinated.year

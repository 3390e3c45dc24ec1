-- Primacy and rank-size of what members hold: additive indicators of circles of whole members
-- (indicator_methods, 2.4). Fewer members than a measure needs give a row without a value.
with variable as (
    select indicator_id
    from {{ ref('stg_registry__indicator') }}
    where indicator_id in ('gdp', 'population_resident', 'population_census', 'budget_revenue')
),

circle as (
    select circle_id
    from {{ ref('stg_geography__circle') }}
    where circle_kind = 'circle'
),

ranked as (
    select
        cell.circle_id,
        cell.indicator_id,
        cell.year,
        cell.vintage,
        cell.members_total,
        cell.document || ' ' || cell.edition as source,
        cell.place_code,
        cast(cell.value as double) as value,
        row_number() over (
            partition by cell.circle_id, cell.indicator_id, cell.year, cell.vintage
            order by cell.value desc, cell.place_code asc
        ) as place_rank
    from {{ ref('int_circle__cell') }} as cell
    inner join circle
        on cell.circle_id = circle.circle_id
    inner join variable
        on cell.indicator_id = variable.indicator_id
    where
        cell.weight = 1
        and cell.value > 0
),

grouped as (
    select
        circle_id,
        indicator_id,
        year,
        vintage,
        cast(count(*) as integer) as members,
        case when min(source) = max(source) then min(source) end as series,
        max(case when place_rank = 1 then place_code end) as first_code,
        max(case when place_rank = 1 then value end) as first_value,
        max(case when place_rank = 2 then value end) as second_value,
        {{ exact_sum('case when place_rank between 2 and 4 then value else 0 end') }} as next_three,
        {{ exact_sum('case when place_rank between 2 and 11 then value else 0 end') }} as next_ten,
        {{ exact_sum('ln(place_rank)') }} as sum_r,
        {{ exact_sum('ln(place_rank) * ln(place_rank)') }} as sum_rr,
        {{ exact_sum('ln(value)') }} as sum_v,
        {{ exact_sum('ln(value) * ln(value)') }} as sum_vv,
        {{ exact_sum('ln(place_rank) * ln(value)') }} as sum_rv
    from ranked
    group by circle_id, indicator_id, year, vintage
    having count(*) = max(members_total) and count(*) >= 2
),

measured as (
    {% for name, least, expression in [
        ('primacy_2', 2, 'first_value / second_value'),
        ('primacy_4', 4, 'first_value / next_three'),
        ('primacy_11', 11, '2 * first_value / next_ten'),
        ('rank_size_q', 3, '-(members * sum_rv - sum_r * sum_v) / (members * sum_rr - sum_r * sum_r)'),
        (
            'rank_size_r2', 3,
            'power(members * sum_rv - sum_r * sum_v, 2) / nullif((members * sum_rr - sum_r * sum_r) * (members * sum_vv - sum_v * sum_v), 0)'
        ),
    ] %}
        select
            circle_id,
            indicator_id,
            year,
            vintage,
            '{{ name }}' as measure,
            case when members >= {{ least }} then {{ expression }} end as value,
            members,
            series,
            first_code,
            case
                when members < {{ least }}
                    then
                        'Needs {{ least }} members, the circle has '
                        || cast(members as varchar(10)) || ': a shorter sum would be another measure'
                {% if 'rank_size' in name %}
                    when members < 15 then 'Fewer than 15 members: descriptive only'
                {% endif %}
            end as reason
        from grouped
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    circle_id,
    indicator_id,
    year,
    vintage,
    measure,
    {{ rounded('value', 8) }} as value,
    members,
    first_code,
    series,
    series is null as is_mixed_vintage,
    reason
from measured

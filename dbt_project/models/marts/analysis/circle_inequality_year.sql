-- Disparities between the members of a circle, one row per measure (indicator_methods, section 3).
-- Every sum is a sum of exact decimals: it must not depend on the number of threads.
with spread as (
    select
        spread.*,
        cast(
            sum({{ exact('spread.top_share') }}) over (
                partition by spread.circle_id, spread.indicator_id, spread.year, spread.vintage
                order by spread.rank_up
                rows between unbounded preceding and current row
            ) as double
        ) as top_running,
        count(*) over (
            partition by spread.circle_id, spread.indicator_id, spread.year, spread.vintage
        ) as members_positive
    from {{ ref('int_circle__spread') }} as spread
),

named as (
    select
        spread.*,
        place.place_name_zh
    from spread
    left join {{ ref('int_place__named') }} as place
        on spread.place_code = place.place_code
        and spread.year = place.year
),

grouped as (
    select
        circle_id,
        indicator_id,
        year,
        vintage,
        max(unit) as unit,
        max(members) as members,
        max(series) as series,
        max(case when is_preliminary then 1 else 0 end) = 1 as is_preliminary,
        max(case when is_estimate then 1 else 0 end) = 1 as is_estimate,
        max(x_mean) as x_mean,
        max(x_circle) as x_circle,
        max(x) / min(x) as max_min_ratio,
        max(case when rank_up = members then place_name_zh end)
        || ' / ' || max(case when rank_up = 1 then place_name_zh end) as extremes,
        {{ exact_sum('power((x - x_mean) / x_mean, 2)') }} as squares_mean,
        {{ exact_sum('power((x - x_circle) / x_circle, 2)') }} as squares_circle,
        {{ exact_sum('bottom_share * power((x - x_circle) / x_circle, 2)') }} as squares_weighted,
        {{ exact_sum('top_share * ln(top_share / bottom_share)') }} as theil_t,
        {{ exact_sum('bottom_share * ln(bottom_share / top_share)') }} as theil_l,
        1 - {{ exact_sum('bottom_share * (2 * top_running - top_share)') }} as gini_weighted,
        2 * {{ exact_sum('rank_up * x / x_mean') }} / power(max(members), 2)
        - (max(members) + 1) / cast(max(members) as double) as gini_simple
    from named
    where members_positive = members
    group by circle_id, indicator_id, year, vintage
),

measured as (
    {% set measures = [
        ('max_min_ratio', 'max_min_ratio', 'extremes'),
        ('cv_n', 'sqrt(squares_mean / members)', "'simple mean, divisor n'"),
        ('cv_n1', 'sqrt(squares_mean / (members - 1))', "'simple mean, divisor n - 1'"),
        ('cv_circle_n', 'sqrt(squares_circle / members)', "'value of the circle as mean, divisor n'"),
        ('cv_circle_n1', 'sqrt(squares_circle / (members - 1))', "'value of the circle as mean, divisor n - 1'"),
        ('cv_weighted', 'sqrt(squares_weighted)', "'weighted with the denominator (Williamson)'"),
        ('theil_t', 'theil_t', "'weighted with the numerator'"),
        ('theil_l', 'theil_l', "'weighted with the denominator'"),
        ('gini_weighted', 'gini_weighted', "'weighted with the denominator'"),
        ('gini_simple', 'gini_simple', "'each member counts once'"),
    ] %}
    {% for name, expression, detail in measures %}
        select
            circle_id,
            indicator_id,
            year,
            vintage,
            '{{ name }}' as measure,
            {{ expression }} as value,
            {{ detail }} as detail,
            members,
            series,
            is_preliminary,
            is_estimate
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
    detail,
    members,
    series,
    series is null as is_mixed_vintage,
    is_preliminary,
    is_estimate
from measured

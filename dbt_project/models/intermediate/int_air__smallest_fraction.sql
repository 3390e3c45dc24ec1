-- noqa: disable=LT02
-- (loops write these columns; the linter indents the loop, not what it writes)
-- For every rate of one decimal, the smallest number of sections (up to 40) that gives it.
{% set most = 40 %}
with number_of as (
    {% for n in range(1, most + 1) %}
        select {{ n }} as n{{ ' union all' if not loop.last }}
    {% endfor %}
),

fraction as (
    select
        part.n as k,
        whole_number.n,
        {{ ratio('part.n', 'whole_number.n', '100') }} as share
    from number_of as whole_number
    inner join number_of as part
        on whole_number.n >= part.n
),

ranked as (
    select
        k,
        n,
        {{ half_even('share', 1) }} as rate_pct,
        row_number() over (partition by {{ half_even('share', 1) }} order by n, k) as choice
    from fraction
)

select
    rate_pct,
    k,
    n
from ranked
where choice = 1

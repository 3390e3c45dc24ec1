-- Structure similarity and Krugman specialisation of each pair of members, and of each member
-- against the rest of its circle (place_code_b 'REST', the member itself left out).
with structure as (
    select * from {{ ref('int_circle__structure') }}
),

rest as (
    select
        circle_id,
        basis,
        sector,
        year,
        vintage,
        place_code,
        sum({{ exact('amount') }}) over (partition by circle_id, basis, sector, year, vintage)
        - {{ exact('amount') }} as amount
    from structure
    where amount is not null
),

rest_part as (
    select
        *,
        cast(amount as double)
        / cast(sum(amount) over (partition by circle_id, basis, year, vintage, place_code) as double)
            as part
    from rest
),

paired as (
    select
        a.circle_id,
        a.basis,
        a.year,
        a.vintage,
        a.place_code as place_code_a,
        b.place_code as place_code_b,
        a.series,
        a.part as part_a,
        b.part as part_b
    from structure as a
    inner join structure as b
        on a.circle_id = b.circle_id
        and a.basis = b.basis
        and a.sector = b.sector
        and a.year = b.year
        and a.vintage = b.vintage
        and a.place_code < b.place_code
    union all
    select
        a.circle_id,
        a.basis,
        a.year,
        a.vintage,
        a.place_code as place_code_a,
        'REST' as place_code_b,
        a.series,
        a.part as part_a,
        rest_part.part as part_b
    from structure as a
    inner join rest_part
        on a.circle_id = rest_part.circle_id
        and a.basis = rest_part.basis
        and a.sector = rest_part.sector
        and a.year = rest_part.year
        and a.vintage = rest_part.vintage
        and a.place_code = rest_part.place_code
)

select
    circle_id,
    basis,
    year,
    vintage,
    place_code_a,
    place_code_b,
    {{ rounded(
        exact_sum('part_a * part_b') ~ ' / sqrt('
        ~ exact_sum('part_a * part_a') ~ ' * ' ~ exact_sum('part_b * part_b') ~ ')', 6
    ) }} as similarity,
    {{ rounded(exact_sum('abs(part_a - part_b)'), 6) }} as krugman_index,
    cast(count(*) as integer) as sectors,
    max(series) as series,
    max(series) is null as is_mixed_vintage
from paired
group by circle_id, basis, year, vintage, place_code_a, place_code_b

-- How far the ranking of the pairs holds when one variant of the economic links takes another's
-- place: the rank correlation over the pairs that both have, and the first two pairs of each.
with both_ as (
    select
        a.circle_id,
        a.year,
        a.variant,
        b.variant as other_variant,
        a.origin_code,
        a.destination_code,
        row_number() over (
            partition by a.circle_id, a.year, a.variant, b.variant
            order by a.link desc, a.origin_code asc, a.destination_code asc
        ) as own_rank,
        row_number() over (
            partition by a.circle_id, a.year, a.variant, b.variant
            order by b.link desc, a.origin_code asc, a.destination_code asc
        ) as other_rank
    from {{ ref('economic_link_city_pair_year') }} as a
    inner join {{ ref('economic_link_city_pair_year') }} as b
        on a.circle_id = b.circle_id
        and a.year = b.year
        and a.origin_code = b.origin_code
        and a.destination_code = b.destination_code
        and a.variant < b.variant
),

summed as (
    select
        circle_id,
        year,
        variant,
        other_variant,
        count(*) as pairs,
        sum((own_rank - other_rank) * (own_rank - other_rank)) as squares,
        max(abs(own_rank - other_rank)) as largest_move,
        sum(case when own_rank = other_rank then 1 else 0 end) as pairs_in_place,
        sum(case when own_rank = 1 and other_rank = 1 then 1 else 0 end) as same_first,
        sum(case when own_rank = 2 and other_rank = 2 then 1 else 0 end) as same_second
    from both_
    group by circle_id, year, variant, other_variant
)

select
    circle_id,
    cast(year as integer) as year,
    variant,
    other_variant,
    cast(pairs as integer) as pairs,
    cast(
        case
            when pairs > 2
                then
                    1 - 6 * cast(squares as double)
                    / (cast(pairs as double) * (cast(pairs as double) * pairs - 1))
        end as double
    ) as rank_correlation,
    cast(largest_move as integer) as largest_move,
    cast(pairs_in_place as integer) as pairs_in_place,
    same_first = 1 as is_first_the_same,
    same_second = 1 as is_second_the_same
from summed

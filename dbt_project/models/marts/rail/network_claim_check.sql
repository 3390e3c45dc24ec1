-- The paper's two claims about the links of its circle, Guangzhou-Foshan first and Guangzhou-Dongguan
-- second, under every variant of the economic links and on every date of the railway held.
with economic as (
    select
        'economic' as network,
        variant,
        year,
        cast(null as date) as service_date,
        cast(null as varchar(20)) as day_type,
        origin_code,
        destination_code,
        link_rank,
        link_share,
        pairs
    from {{ ref('economic_link_city_pair_year') }}
    where circle_id = 'GZ_PAPER9'
),

member as (
    select place_code
    from {{ ref('stg_geography__circle_member') }}
    where circle_id = 'GZ_PAPER9'
),

trains as (
    select
        pair.service_date,
        {{ least_text('pair.origin_code', 'pair.destination_code') }} as origin_code,
        {{ greatest_text('pair.origin_code', 'pair.destination_code') }} as destination_code,
        sum(pair.direct_trains) as trains
    from {{ ref('rail_city_pair_day') }} as pair
    inner join member as a
        on pair.origin_code = a.place_code
    inner join member as b
        on pair.destination_code = b.place_code
    where pair.place_level = 'prefecture'
    group by
        pair.service_date,
        {{ least_text('pair.origin_code', 'pair.destination_code') }},
        {{ greatest_text('pair.origin_code', 'pair.destination_code') }}
),

railway as (
    select
        'railway' as network,
        'direct_trains' as variant,
        cast(null as integer) as year,
        trains.service_date,
        day.day_type,
        trains.origin_code,
        trains.destination_code,
        cast(
            rank() over (partition by trains.service_date order by trains.trains desc) as integer
        ) as link_rank,
        cast(trains.trains as double)
        / cast(sum(trains.trains) over (partition by trains.service_date) as double) as link_share,
        cast(count(*) over (partition by trains.service_date) as integer) as pairs
    from trains
    inner join {{ ref('int_rail__day') }} as day
        on trains.service_date = day.service_date
    where not day.is_gap_day
),

ranked as (
    select * from economic
    union all
    select * from railway
),

tested as (
    select
        network,
        variant,
        year,
        service_date,
        max(day_type) as day_type,
        max(pairs) as pairs,
        max(
            case
                when origin_code = '440100' and destination_code = '440600' then link_rank
            end
        ) as guangzhou_foshan_rank,
        max(
            case
                when origin_code = '440100' and destination_code = '441900' then link_rank
            end
        ) as guangzhou_dongguan_rank,
        max(
            case
                when origin_code = '440100' and destination_code = '440600' then link_share
            end
        ) as guangzhou_foshan_share,
        max(
            case
                when origin_code = '440100' and destination_code = '441900' then link_share
            end
        ) as guangzhou_dongguan_share
    from ranked
    group by network, variant, year, service_date
)

select
    network,
    variant,
    coalesce(cast(service_date as varchar(10)), cast(year as varchar(10))) as period,
    day_type,
    cast(pairs as integer) as pairs,
    cast(guangzhou_foshan_rank as integer) as guangzhou_foshan_rank,
    cast(guangzhou_dongguan_rank as integer) as guangzhou_dongguan_rank,
    cast(guangzhou_foshan_share as double) as guangzhou_foshan_share,
    cast(guangzhou_dongguan_share as double) as guangzhou_dongguan_share,
    coalesce(guangzhou_foshan_rank = 1, false) as is_foshan_first,
    coalesce(guangzhou_dongguan_rank = 2, false) as is_dongguan_second
from tested

-- Direct trains as undated listings would have them, beside the median day of the nearest dated
-- timetable. Who counts rows of station pairs, or every train of a season, is off by this much.
with held as (
    select
        listed.document,
        listed.edition,
        listed.listed_on,
        listed.train_scope,
        listed.origin_code,
        listed.destination_code,
        listed.listed_trains,
        listed.stop_lists,
        listed.station_pairs,
        listed.median_trains as own_median_trains,
        listed.snapshot_id,
        nearest.timetable,
        nearest.days_apart,
        trains.days_counted,
        case
            when nearest.timetable is null then null
            when listed.train_scope = 'gdc' then coalesce(trains.median_gdc_trains, 0)
            else coalesce(trains.median_trains, 0)
        end as median_trains
    from {{ ref('stg_rail__listed_pair') }} as listed
    left join {{ ref('int_rail__listing_window') }} as nearest
        on listed.document = nearest.document
        and listed.edition = nearest.edition
    left join {{ ref('rail_city_pair_window') }} as trains
        on nearest.timetable = trains.timetable
        and listed.origin_code = trains.origin_code
        and listed.destination_code = trains.destination_code
        and trains.place_level = 'prefecture'
        and trains.day_type = 'all'
)

select
    document,
    edition,
    listed_on,
    train_scope,
    origin_code,
    destination_code,
    cast(listed_trains as integer) as listed_trains,
    cast(stop_lists as integer) as stop_lists,
    cast(station_pairs as integer) as station_pairs,
    timetable,
    cast(days_apart as integer) as days_apart,
    cast(days_counted as integer) as days_counted,
    cast(median_trains as double) as median_trains,
    cast(stop_lists / nullif(median_trains, 0) - 1 as double) as over_share,
    cast(station_pairs / nullif(median_trains, 0) - 1 as double) as rows_over_share,
    cast(own_median_trains as double) as own_median_trains,
    cast(stop_lists / nullif(own_median_trains, 0) - 1 as double) as own_over_share,
    snapshot_id
from held

-- Every day of a city that statistics are made of: published daily records, and days made of hours.
with from_hours as (
    select * from {{ ref('int_air__hours_day') }}
),

-- A document that has hours of stations needs no days of the platform's own city values.
ranked as (
    select
        *,
        row_number() over (
            partition by document, edition, place_code, observed_on order by grain desc
        ) as choice
    from from_hours
)

select
    fact_id,
    snapshot_id,
    locator,
    source_kind,
    document,
    edition,
    place_code,
    observed_on,
    network,
    state,
    aqi_published,
    grade_raw,
    primary_raw,
    pm25_ugm3,
    pm10_ugm3,
    so2_ugm3,
    no2_ugm3,
    co_mgm3,
    o3_8h_ugm3,
    'day' as made_of,
    cast(null as integer) as stations,
    cast(null as integer) as stations_total
from {{ ref('stg_environment__air_city_day') }}
union all
select
    fact_id,
    snapshot_id,
    cast(null as varchar(20)) as locator,
    source_kind,
    document,
    edition,
    place_code,
    observed_on,
    network,
    state,
    cast(null as integer) as aqi_published,
    cast(null as varchar(20)) as grade_raw,
    cast(null as varchar(20)) as primary_raw,
    pm25_ugm3,
    pm10_ugm3,
    so2_ugm3,
    no2_ugm3,
    co_mgm3,
    o3_8h_ugm3,
    case when grain = 'city' then 'city_hours' else 'station_hours' end as made_of,
    case when grain = 'station' then stations end as stations,
    case when grain = 'station' then stations_total end as stations_total
from ranked
where choice = 1

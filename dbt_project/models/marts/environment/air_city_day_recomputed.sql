with day as (
    select * from {{ ref('int_air__day') }}
)

select
    day.place_code,
    day.observed_on,
    day.document,
    day.edition,
    place.place_name_zh,
    place.place_name_en,
    day.network,
    day.state,
    day.standard,
    {{ published('day.pm25_ugm3') }} as pm25_ugm3,
    {{ published('day.pm10_ugm3') }} as pm10_ugm3,
    {{ published('day.so2_ugm3') }} as so2_ugm3,
    {{ published('day.no2_ugm3') }} as no2_ugm3,
    {{ published('day.co_mgm3') }} as co_mgm3,
    {{ published('day.o3_8h_ugm3') }} as o3_8h_ugm3,
    day.iaqi_pm25,
    day.iaqi_pm10,
    day.iaqi_so2,
    day.iaqi_no2,
    day.iaqi_co,
    day.iaqi_o3_8h,
    day.aqi,
    day.primary_pollutant,
    day.grade,
    day.aqi <= 100 as is_good_day,
    day.aqi_published,
    day.primary_raw,
    day.grade_raw,
    day.aqi = day.aqi_published as aqi_matches,
    day.grade = day.grade_raw as grade_matches,
    day.missing_pollutants,
    day.is_official,
    day.not_official_reason,
    day.source_kind,
    day.fact_id,
    day.snapshot_id,
    day.locator
from day
left join {{ ref('int_air__place') }} as place
    on day.place_code = place.place_code

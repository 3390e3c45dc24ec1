select
    snapshot_id,
    part,
    record,
    document,
    edition,
    observed_on,
    hour,
    place_raw,
    place_code,
    station_code,
    station_name,
    aqi_published,
    aqi,
    aqi_co_raw,
    cast(pollutants_missing as integer) as pollutants_missing,
    case
        when standard is null then 'no breakpoints are held for the day'
        when aqi is null then 'the record holds no concentration'
        when aqi_co_raw = aqi_published
            then 'the source did not round carbon monoxide to one decimal before the index'
        when pollutants_missing > 0 and aqi < aqi_published
            then 'the pollutant that decided the published index is not in the record'
        else 'not known'
    end as cause
from {{ ref('int_air__hour_index') }}
where aqi is null or aqi <> aqi_published

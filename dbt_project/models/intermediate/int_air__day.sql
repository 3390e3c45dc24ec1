-- One row per daily record: the six individual indices, the index, and what it was made without.
with record as (
    select * from {{ ref('int_air__city_day') }}
),

concentration as (
    select
        {% for pollutant, column, decimals in pollutants() %}
            max(case when pollutant = '{{ pollutant }}' then concentration end) as {{ column }},
        {% endfor %}
        fact_id
    from {{ ref('int_air__concentration') }}
    group by fact_id
),

iaqi as (
    select
        fact_id,
        {% for pollutant, column, decimals in pollutants() %}
            max(case when pollutant = '{{ pollutant }}' then iaqi end) as iaqi_{{ pollutant }},
        {% endfor %}
        max(standard) as standard,
        max(iaqi) as aqi
    from {{ ref('int_air__iaqi') }}
    group by fact_id
),

joined as (
    select
        record.fact_id,
        record.snapshot_id,
        record.locator,
        record.source_kind,
        record.document,
        record.edition,
        record.place_code,
        record.observed_on,
        record.network,
        record.state,
        record.aqi_published,
        record.grade_raw,
        record.primary_raw,
        record.made_of,
        record.stations,
        record.stations_total,
        iaqi.standard,
        iaqi.aqi,
        {% for pollutant, column, decimals in pollutants() %}
            concentration.{{ column }},
            iaqi.iaqi_{{ pollutant }},
        {% endfor %}
        -- Each name with a comma in front; the first comma goes below.
        {% for pollutant, column, decimals in pollutants() %}
            case
                when iaqi.iaqi_{{ pollutant }} = iaqi.aqi and iaqi.aqi > 50 then ',{{ pollutant }}'
                else ''
            end
            {{ '||' if not loop.last }}
        {% endfor %}
            as primary_list,
        {% for pollutant, column, decimals in pollutants() %}
            case when concentration.{{ column }} is null then ',{{ pollutant }}' else '' end
            {{ '||' if not loop.last }}
        {% endfor %}
            as missing_list
    from record
    left join concentration
        on record.fact_id = concentration.fact_id
    left join iaqi
        on record.fact_id = iaqi.fact_id
),

judged as (
    select
        *,
        nullif(substr(primary_list, 2), '') as primary_pollutant,
        nullif(substr(missing_list, 2), '') as missing_pollutants,
        {{ aqi_grade('aqi') }} as grade,
        case
            when
                pm25_ugm3 is null
                and pm10_ugm3 is null
                and so2_ugm3 is null
                and no2_ugm3 is null
                and co_mgm3 is null
                and o3_8h_ugm3 is null
                then 'the record holds no concentration'
            when made_of = 'city_hours'
                then 'made of hourly city values: the standard takes the mean of the stations'' days'
            when made_of = 'station_hours' and (o3_8h_ugm3 is null or pm25_ugm3 is null)
                then 'fewer valid hours or stations than HJ 663-2013 asks for'
            when o3_8h_ugm3 is null
                then 'no daily maximum 8-hour ozone: a 1-hour or 24-hour value cannot stand for it'
            when pm25_ugm3 is null then 'no PM2.5'
            when standard is null then 'no breakpoints are held for the day'
            when iaqi_o3_8h is null
                then '8-hour ozone above 800 has no index, and no 1-hour index is held'
        end as not_official_reason
    from joined
)

select
    *,
    not_official_reason is null as is_official
from judged

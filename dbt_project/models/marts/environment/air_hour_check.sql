select
    document,
    edition,
    observed_on,
    hour,
    network,
    state,
    cast(count(*) as integer) as indices_published,
    -- PM10 printed as 0 or 1 is a mark, and yet a printed number.
    cast(
        sum(case when pollutants_missing = 0 or (pollutants_missing = 1 and is_pm10_mark) then 1 else 0 end)
        as integer
    ) as records_complete,
    cast(
        sum(
            case
                when
                    aqi = aqi_published
                    and (pollutants_missing = 0 or (pollutants_missing = 1 and is_pm10_mark))
                    then 1
                else 0
            end
        ) as integer
    ) as complete_equal,
    cast(sum(case when aqi = aqi_published then 1 else 0 end) as integer) as indices_equal,
    cast(sum(case when aqi <> aqi_published then 1 else 0 end) as integer) as indices_different,
    cast(sum(case when aqi is null then 1 else 0 end) as integer) as indices_not_computable,
    max(standard) as standard
from {{ ref('int_air__hour_index') }}
group by document, edition, observed_on, hour, network, state

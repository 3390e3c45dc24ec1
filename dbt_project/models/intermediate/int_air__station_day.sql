-- noqa: disable=LT02
-- (loops write these columns; the linter indents the loop, not what it writes)
-- Daily statistics of a station from its hours (HJ 663-2013, GB 3095-2012 table 4): the mean of at
-- least 20 hours, and the highest of the 8-hour means that end at 8:00 to 24:00. An 8-hour mean needs
-- 6 hours, the maximum 14 of the 17 means, unless it exceeds the limit anyway. Hours are rounded
-- first (6.3). The platform's own city values go the same way, as one station without a name.
--
-- Sums are integers, and 8-hour means whole multiples of 1/840 (the least common multiple of 1 to 8):
-- exact, and one pass over the hours.
{% set means = [
    ('pm25', whole('pm25_ugm3'), 1), ('pm10', whole('pm10_ugm3'), 1), ('so2', whole('so2_ugm3'), 1),
    ('no2', whole('no2_ugm3'), 1), ('co', tenths('co_mgm3'), 10),
] %}
with rounded as (
    select
        document,
        edition,
        grain,
        place_code,
        station_code,
        station_name,
        observed_on,
        network,
        state,
        source_kind,
        snapshot_id,
        hour,
        {% for name, expression, parts in means %}
            {{ expression }} as {{ name }},
        {% endfor %}
        {{ whole('o3_1h_ugm3') }} as o3
    from {{ ref('stg_environment__air_station_hour') }}
    where place_code is not null
),

gathered as (
    select
        document,
        edition,
        grain,
        place_code,
        station_code,
        station_name,
        observed_on,
        max(network) as network,
        max(state) as state,
        max(source_kind) as source_kind,
        max(snapshot_id) as snapshot_id,
        count(*) as hours,
        {% for name, expression, parts in means %}
            sum({{ name }}) as {{ name }}_sum,
            count({{ name }}) as {{ name }}_hours,
        {% endfor %}
        {% for hour in range(1, 25) %}
            max(case when hour = {{ hour }} then o3 end) as o3_{{ hour }}{{ ',' if not loop.last }}
        {% endfor %}
    from rounded
    group by document, edition, grain, place_code, station_code, station_name, observed_on
),

counted as (
    select
        *,
        {% for last in range(8, 25) %}
            {% for hour in range(last - 7, last + 1) %}
                case when o3_{{ hour }} is null then 0 else 1 end{{ ' +' if not loop.last }}
            {% endfor %}
            as hours_{{ last }},
            {% for hour in range(last - 7, last + 1) %}
                coalesce(o3_{{ hour }}, 0){{ ' +' if not loop.last }}
            {% endfor %}
            as sum_{{ last }}{{ ',' if not loop.last }}
        {% endfor %}
    from gathered
),

windowed as (
    select
        counted.*,
        validity.hours_of_day,
        validity.windows_of_day,
        ozone_limit.limit_value as ozone_limit,
        {% for last in range(8, 25) %}
            case
                when counted.hours_{{ last }} >= validity.hours_of_8h then 1 else 0
            end{{ ' +' if not loop.last }}
        {% endfor %}
        as windows,
        {% for last in range(8, 25) %}
            case
                when counted.hours_{{ last }} >= validity.hours_of_8h
                    then
                        counted.sum_{{ last }} * case counted.hours_{{ last }}
                            when 8 then 105 when 7 then 120 when 6 then 140 when 5 then 168
                            when 4 then 210 when 3 then 280 when 2 then 420 else 840
                        end
                else -1
            end as mean_{{ last }}{{ ',' if not loop.last }}
        {% endfor %}
    from counted
    inner join {{ ref('air_validity') }} as validity
        on counted.observed_on >= validity.valid_from
        and counted.observed_on <= validity.valid_to
    left join {{ ref('stg_environment__limit') }} as ozone_limit
        on ozone_limit.pollutant = 'o3_8h'
        and ozone_limit.purpose = 'class2'
        and ozone_limit.averaging = 'max_8h'
        and counted.observed_on >= ozone_limit.valid_from
        and (ozone_limit.valid_to is null or counted.observed_on <= ozone_limit.valid_to)
),

highest as (
    select
        *,
        greatest(
            {% for last in range(8, 25) %}
                mean_{{ last }}{{ ',' if not loop.last }}
            {% endfor %}
        ) as highest_840
    from windowed
)

select
    document,
    edition,
    grain,
    place_code,
    station_code,
    station_name,
    observed_on,
    network,
    state,
    source_kind,
    snapshot_id,
    cast(hours as integer) as hours,
    {% for name, expression, parts in means %}
        case
            when {{ name }}_hours >= hours_of_day
                then {{ quotient(name ~ '_sum', name ~ '_hours' if parts == 1
                    else '(' ~ name ~ '_hours * ' ~ parts ~ ')') }}
        end as {{ name }},
    {% endfor %}
    case
        when highest_840 >= 0 and (windows >= windows_of_day or highest_840 > 840 * ozone_limit)
            then {{ quotient('highest_840', '840') }}
    end as o3_8h
from highest

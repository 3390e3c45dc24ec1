-- noqa: disable=LT02
-- (loops write these columns; the linter indents the loop, not what it writes)
-- Daily values of a city from its stations (HJ 663-2013): the mean of the stations' daily values, the
-- ozone too, where three of four stations are valid (half of them where there are fewer than four).
-- Stations are those that reported in the year.
with station_day as (
    select
        *,
        extract(year from observed_on) as year
    from {{ ref('int_air__station_day') }}
),

station as (
    select
        document,
        edition,
        grain,
        place_code,
        extract(year from observed_on) as year,
        count(distinct station_code || '|' || coalesce(station_name, '')) as stations_total
    from {{ ref('int_air__station_day') }}
    group by document, edition, grain, place_code, extract(year from observed_on)
),

gathered as (
    select
        station_day.document,
        station_day.edition,
        station_day.grain,
        station_day.place_code,
        station_day.observed_on,
        station_day.year,
        max(station_day.network) as network,
        max(station_day.state) as state,
        max(station_day.source_kind) as source_kind,
        max(station_day.snapshot_id) as snapshot_id,
        count(*) as stations,
        {% for pollutant, column, decimals in pollutants() %}
            sum(station_day.{{ pollutant }}) as {{ pollutant }}_sum,
            count(station_day.{{ pollutant }}) as {{ pollutant }}_stations{{ ',' if not loop.last }}
        {% endfor %}
    from station_day
    group by
        station_day.document, station_day.edition, station_day.grain, station_day.place_code,
        station_day.observed_on, station_day.year
),

asked as (
    select
        gathered.*,
        station.stations_total,
        station.stations_total * case
            when station.stations_total < validity.few_stations then validity.station_share_of_few
            else validity.station_share
        end as stations_needed
    from gathered
    inner join station
        on gathered.document = station.document
        and gathered.edition = station.edition
        and gathered.grain = station.grain
        and gathered.place_code = station.place_code
        and gathered.year = station.year
    inner join {{ ref('air_validity') }} as validity
        on gathered.observed_on >= validity.valid_from
        and gathered.observed_on <= validity.valid_to
)

select
    {{ fact_hash([
        'document', 'edition', 'grain', 'place_code', 'cast(observed_on as varchar(10))'
    ]) }} as fact_id,
    snapshot_id,
    source_kind,
    document,
    edition,
    place_code,
    observed_on,
    network,
    state,
    grain,
    cast(stations as integer) as stations,
    cast(stations_total as integer) as stations_total,
    {% for pollutant, column, decimals in pollutants() %}
        case
            when {{ pollutant }}_stations >= stations_needed
                then {{ quotient(pollutant ~ '_sum', pollutant ~ '_stations') }}
        end as {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from asked

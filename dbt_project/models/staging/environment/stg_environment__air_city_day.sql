-- Daily records that count: dated, placed, of a known series, and the best copy of their cell.
select *
from {{ source('lake', 'air_city_day') }}
where
    superseded_by is null
    and place_code is not null
    and observed_on is not null
    and network is not null

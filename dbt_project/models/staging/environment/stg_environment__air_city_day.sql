-- Daily records that count: dated, placed, of a known series, the best copy of their cell, and from
-- files whose columns hold what they head.
select *
from {{ source('lake', 'air_city_day') }}
where
    superseded_by is null
    and quarantined is null
    and place_code is not null
    and observed_on is not null
    and network is not null

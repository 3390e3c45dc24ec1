-- Hourly records of a known series. Those of places whose division is not held stay: their hourly
-- index can be checked, but no city is made of them.
select *
from {{ source('lake', 'air_station_hour') }}
where network is not null

-- Printed values that count; those of regions that are no division stay in tidy.
select *
from {{ source('lake', 'bulletin_city_period') }}
where
    superseded_by is null
    and place_code is not null
    and measure is not null
    and period_end is not null
    and network is not null

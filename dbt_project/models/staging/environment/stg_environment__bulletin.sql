-- Printed values of the air that count: one per place, measure and period, from the bulletin of the
-- period itself before a cumulative one that repeats it. Regions that are no division stay in tidy.
with held as (
    select
        *,
        row_number() over (
            partition by document, place_code, measure, period_start, period_end
            order by length(edition), edition, fact_id
        ) as choice
    from {{ source('lake', 'bulletin_city_period') }}
    where
        superseded_by is null
        and place_code is not null
        and measure is not null
        and period_end is not null
        and network is not null
)

select * from held
where choice = 1

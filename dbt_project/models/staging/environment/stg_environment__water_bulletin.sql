-- Printed values of the water part of the bulletins, one per place, measure, period and section set.
with held as (
    select
        *,
        row_number() over (
            partition by document, place_code, measure, section_set, period_start, period_end
            order by length(edition), edition, fact_id
        ) as choice
    from {{ source('lake', 'bulletin_city_period') }}
    where
        superseded_by is null
        and place_code is not null
        and measure is not null
        and period_end is not null
        and section_set is not null
)

select * from held
where choice = 1

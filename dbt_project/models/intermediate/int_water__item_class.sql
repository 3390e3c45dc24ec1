-- Class of each evaluated item of a reading (GB 3838-2002, table 1): the best class whose limit the
-- value meets, 6 (worse than V) where it meets none. Total phosphorus has limits of rivers and of
-- lakes; which a section is, the platform does not say, so both stand. Items without a limit
-- (temperature, conductivity, turbidity), total nitrogen and coliforms are not evaluated
-- (环办〔2011〕22号).
with reading as (
    select
        *,
        coalesce(observed_on, date '2026-01-01') as judged_on
    from {{ ref('stg_environment__water_section_reading') }}
    where value is not null
)

select
    reading.snapshot_id,
    reading.record,
    reading.item,
    limits.applies_to,
    min(
        case
            when
                (limits.limit_low is null or {{ measure('reading.value') }} >= limits.limit_low)
                and (limits.limit_high is null or {{ measure('reading.value') }} <= limits.limit_high)
                then limits.water_class
            else 6
        end
    ) as water_class
from reading
inner join {{ ref('water_limit') }} as limits
    on reading.item = limits.item
    and reading.judged_on >= limits.valid_from
    and (limits.valid_to is null or reading.judged_on <= limits.valid_to)
group by reading.snapshot_id, reading.record, reading.item, limits.applies_to

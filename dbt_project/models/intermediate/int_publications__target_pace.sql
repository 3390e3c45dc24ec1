-- Latest value of each target and the pace between the two newest values that may be compared: a
-- rate with any earlier rate of one edition, a level only inside one edition.
with target as (
    select * from {{ ref('stg_publications__policy_target') }}
),

ranked as (
    select
        measured.*,
        row_number() over (partition by measured.target_id order by measured.year desc) as recency
    from {{ ref('int_publications__target_value') }} as measured
),

newest as (
    select * from ranked
    where recency = 1
),

earlier as (
    select
        newest.target_id,
        ranked.year,
        ranked.value,
        row_number() over (partition by newest.target_id order by ranked.year desc) as recency
    from newest
    inner join target
        on newest.target_id = target.target_id
    inner join ranked
        on newest.target_id = ranked.target_id
        and newest.year > ranked.year
    where
        not newest.is_mixed_vintage
        and not ranked.is_mixed_vintage
        and not newest.is_preliminary
        and (target.is_rate or newest.edition_min = ranked.edition_min)
)

select
    newest.target_id,
    newest.year as latest_year,
    newest.value as latest_value,
    newest.is_preliminary,
    newest.is_met,
    newest.fact_id,
    earlier.year as earlier_year,
    case
        when target.is_rate
            then cast(newest.value - earlier.value as double) / (newest.year - earlier.year)
        else
            100 * (
                power(
                    cast(newest.value as double) / cast(earlier.value as double),
                    cast(1 as double) / (newest.year - earlier.year)
                ) - 1
            )
    end as observed_annual_change
from newest
inner join target
    on newest.target_id = target.target_id
left join earlier
    on newest.target_id = earlier.target_id
    and earlier.recency = 1

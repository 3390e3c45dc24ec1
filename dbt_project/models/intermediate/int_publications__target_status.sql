-- The verdict on every target, and why.
with facts as (
    select * from {{ ref('int_publications__target_facts') }}
),

judged as (
    select
        facts.*,
        case
            when facts.latest_value is null then 'not_measurable'
            when facts.is_every_year and facts.years_short > 0 then 'missed'
            when facts.is_every_year and facts.years_final = facts.years_wanted then 'reached'
            when facts.has_passed and (facts.is_every_year or not facts.horizon_is_final)
                then 'no_final_data'
            when facts.has_passed and facts.horizon_is_met then 'reached'
            when facts.has_passed then 'missed'
            when facts.is_every_year then 'on_track'
            when facts.is_met and not facts.is_preliminary then 'reached'
            when facts.observed_annual_change is null then 'no_final_data'
            when facts.observed_annual_change >= facts.required_annual_change then 'on_track'
            else 'behind'
        end as status
    from facts
)

select
    judged.*,
    case
        when judged.status = 'not_measurable' and not judged.is_quantitative
            then 'The document prints no number to reach'
        when judged.status = 'not_measurable' and judged.indicator_reason is not null
            then
                'No indicator of the warehouse matches: ' || judged.indicator_reason
                || coalesce('; ' || judged.by_rail, '')
        when judged.status = 'not_measurable' and judged.place_reason is not null
            then 'No place of the warehouse matches: ' || judged.place_reason
        when judged.status = 'not_measurable'
            then 'No value of the indicator is held for the whole area in any year'
        when judged.is_every_year
            then
                'Must hold in every year from ' || cast(judged.start_year as varchar(4))
                || ' to ' || cast(judged.horizon_year as varchar(4))
                || '; final values held for ' || cast(judged.years_final as varchar(10))
                || ' of ' || cast(judged.years_wanted as varchar(10))
                || ' years, short of the target in ' || cast(judged.years_short as varchar(10))
                || '. Values by year: ' || judged.values_by_year
        when judged.status = 'no_final_data' and judged.has_passed and judged.is_preliminary
            then
                'The horizon has passed, and its value is preliminary: '
                || {{ shown('judged.latest_value', 2) }} || ' in '
                || cast(judged.latest_year as varchar(4)) || ', '
                || {{ shown('judged.gap_pct', 1) }} || ' % against the target'
        when judged.status = 'no_final_data' and judged.has_passed
            then
                'The horizon has passed, and its value is not held; the newest is '
                || {{ shown('judged.latest_value', 2) }} || ' in '
                || cast(judged.latest_year as varchar(4))
        when judged.status = 'no_final_data'
            then
                'The horizon is open and no earlier value may be compared with that of '
                || cast(judged.latest_year as varchar(4))
                || ', so no pace can be given; needed: '
                || {{ shown('judged.required_annual_change', 2) }} || ' a year'
        when judged.status in ('on_track', 'behind')
            then
                'Needed ' || {{ shown('judged.required_annual_change', 2) }}
                || ' a year, observed ' || {{ shown('judged.observed_annual_change', 2) }}
                || ' a year from ' || cast(judged.earlier_year as varchar(4))
                || ' to ' || cast(judged.latest_year as varchar(4))
        else
            {{ shown('judged.latest_value', 2) }} || ' in ' || cast(judged.latest_year as varchar(4))
    end as reason
from judged

-- Values of circles and places under every vintage policy, side by side: what documents are held
-- against. A circle with missing members keeps its row, without a value.
with circle as (
    select
        circle_id as area_id,
        indicator_id,
        year,
        vintage,
        {{ measure('value') }} as value,
        {{ measure('value_low') }} as value_low,
        {{ measure('value_high') }} as value_high,
        members_with_data,
        members_total,
        edition_min,
        edition_max,
        is_mixed_vintage,
        is_estimate,
        method,
        fact_id
    from {{ ref('circle_indicator_year') }}
),

place as (
    select
        place_code as area_id,
        indicator_id,
        year,
        vintage,
        value,
        value_low,
        value_high,
        1 as members_with_data,
        1 as members_total,
        edition as edition_min,
        edition as edition_max,
        false as is_mixed_vintage,
        is_estimate,
        method,
        fact_id
    from {{ ref('int_policy__cells') }}
)

select * from circle
union all
select * from place

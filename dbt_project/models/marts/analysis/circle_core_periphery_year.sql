-- Core against periphery, and how much of the disparity (Theil T) lies between the two.
with core as (
    select distinct
        core.circle_id,
        core.core_id,
        member.place_code
    from {{ ref('circle_core') }} as core
    inner join {{ ref('stg_geography__circle_member') }} as member
        on core.core_id = member.circle_id
),

placed as (
    select
        spread.*,
        definition.core_id,
        core.place_code is not null as is_core
    from {{ ref('int_circle__spread') }} as spread
    inner join {{ ref('circle_core') }} as definition
        on spread.circle_id = definition.circle_id
    left join core
        on definition.circle_id = core.circle_id
        and definition.core_id = core.core_id
        and spread.place_code = core.place_code
),

side as (
    select
        circle_id,
        core_id,
        indicator_id,
        year,
        vintage,
        is_core,
        max(unit) as unit,
        cast(count(*) as integer) as members,
        max(members) as members_circle,
        max(series) as series,
        max(x_circle) as x_circle,
        {{ exact_sum('top_share') }} as top_share,
        {{ exact_sum('bottom_share') }} as bottom_share,
        {{ exact_sum('top_share * ln(top_share / bottom_share)') }} as theil_part
    from placed
    group by circle_id, core_id, indicator_id, year, vintage, is_core
),

compared as (
    select
        core.circle_id,
        core.core_id,
        core.indicator_id,
        core.year,
        core.vintage,
        core.unit,
        core.members as core_members,
        periphery.members as periphery_members,
        core.series,
        core.top_share as core_numerator_share,
        core.bottom_share as core_denominator_share,
        core.x_circle * core.top_share / core.bottom_share as core_value,
        periphery.x_circle * periphery.top_share / periphery.bottom_share as periphery_value,
        core.theil_part + periphery.theil_part as theil_t,
        core.top_share * ln(core.top_share / core.bottom_share)
        + periphery.top_share * ln(periphery.top_share / periphery.bottom_share) as theil_between
    from side as core
    inner join side as periphery
        on core.circle_id = periphery.circle_id
        and core.core_id = periphery.core_id
        and core.indicator_id = periphery.indicator_id
        and core.year = periphery.year
        and core.vintage = periphery.vintage
    where
        core.is_core
        and not periphery.is_core
        and core.members + periphery.members = core.members_circle
)

select
    circle_id,
    core_id,
    indicator_id,
    year,
    vintage,
    core_members,
    periphery_members,
    {{ rounded('core_value', 6) }} as core_value,
    {{ rounded('periphery_value', 6) }} as periphery_value,
    unit,
    {{ rounded('core_value / periphery_value', 6) }} as core_periphery_ratio,
    {{ rounded('core_numerator_share', 8) }} as core_numerator_share,
    {{ rounded('core_denominator_share', 8) }} as core_denominator_share,
    {{ rounded('theil_t', 8) }} as theil_t,
    {{ rounded('theil_between', 8) }} as theil_between,
    {{ rounded('theil_t - theil_between', 8) }} as theil_within,
    {{ rounded('theil_between / nullif(theil_t, 0)', 6) }} as between_share,
    series,
    series is null as is_mixed_vintage
from compared

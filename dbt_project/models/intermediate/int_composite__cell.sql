-- The panel of each composite score: city-years for which every indicator is held, each indicator
-- scaled between its least and its greatest value over all of them. Nothing is filled in, and
-- nothing is shifted to avoid the logarithm of zero: 0 times ln 0 counts as 0.
with wanted as (
    select
        panel.panel_id,
        panel.circle_id,
        panel.system,
        panel.indicator_id,
        panel.direction,
        best.place_code,
        best.year,
        best.value,
        count(*) over (partition by panel.panel_id, best.place_code, best.year) as held,
        panel.indicators
    from (
        select
            *,
            count(*) over (partition by panel_id) as indicators
        from {{ ref('composite_indicator') }}
    ) as panel
    inner join {{ ref('int_circle__member') }} as member
        on panel.circle_id = member.circle_id
    inner join {{ ref('city_indicator_best') }} as best
        on member.place_code = best.place_code
        and panel.indicator_id = best.indicator_id
        and best.year between panel.year_from and panel.year_to
    where not member.is_predecessor
),

-- A year counts if every member is there: else the panel would change its cities from year to year.
complete as (
    select
        wanted.*,
        count(*) over (partition by wanted.panel_id, wanted.year) as held_of_year
    from wanted
    where wanted.held = wanted.indicators
),

panel as (
    select complete.*
    from complete
    inner join {{ ref('stg_geography__circle') }} as circle
        on complete.circle_id = circle.circle_id
    where complete.held_of_year = complete.indicators * circle.members_total
),

ranged as (
    select
        *,
        min(value) over (partition by panel_id, indicator_id) as least,
        max(value) over (partition by panel_id, indicator_id) as most,
        count(*) over (partition by panel_id, indicator_id) as cells
    from panel
)

select
    panel_id,
    circle_id,
    system,
    indicator_id,
    direction,
    place_code,
    year,
    value,
    least,
    most,
    cells,
    case
        when most = least then 0
        when direction = 1 then (value - least) / (most - least)
        else (most - value) / (most - least)
    end as scaled
from ranged

-- What the bulletins print of a set of sections.
with printed as (
    select
        place_code,
        document,
        max(edition) as edition,
        section_set,
        period_type,
        period_start,
        period_end,
        max(case when measure = 'water_sections' then value end) as sections,
        max(case when measure = 'water_good_rate_pct' then value end) as good_rate_pct,
        max(case when measure = 'water_good_rate_pct' then decimals end) as good_rate_decimals,
        max(case when measure = 'water_inferior_rate_pct' then value end) as inferior_rate_pct,
        max(case when measure = 'water_index' then value end) as water_index,
        max(case when measure = 'water_index_change_pct' then value end) as water_index_change_pct,
        max(case when measure = 'water_rank' then value end) as water_rank,
        max(locator) as locator
    from {{ ref('stg_environment__water_bulletin') }}
    group by place_code, document, section_set, period_type, period_start, period_end
),

counted as (
    select
        *,
        {{ rounded('good_rate_pct * sections / 100', 0) }} as good_sections
    from printed
)

select
    counted.place_code,
    counted.period_start,
    counted.period_end,
    counted.section_set,
    counted.document,
    place.place_name_zh,
    place.place_name_en,
    counted.period_type,
    counted.edition,
    cast(counted.sections as integer) as sections,
    {{ published('counted.good_rate_pct') }} as good_rate_pct,
    {{ published('counted.inferior_rate_pct') }} as inferior_rate_pct,
    cast(counted.good_sections as integer) as good_sections,
    abs(100 * counted.good_sections / counted.sections - counted.good_rate_pct)
    <= 0.5 * power(cast(10 as double), -counted.good_rate_decimals) + 0.000000001 as is_whole_number,
    {{ published('counted.water_index') }} as water_index,
    {{ published('counted.water_index_change_pct') }} as water_index_change_pct,
    cast(counted.water_rank as integer) as water_rank,
    counted.locator
from counted
left join {{ ref('int_air__place') }} as place
    on counted.place_code = place.place_code

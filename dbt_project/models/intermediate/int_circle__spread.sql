-- Members of complete circles side by side: both parts of a ratio, the ratio, and shares of the
-- circle's own totals. Only circles of at least three whole members, every one of them with both
-- parts; `series` names the one edition that all of it stands in, null where there are several.
with indicator as (
    select
        indicator_id,
        unit,
        numerator,
        denominator,
        factor
    from {{ ref('stg_registry__indicator') }}
    where
        aggregation = 'ratio_of_sums'
        and denominator not like '%@province'
),

circle as (
    select circle_id
    from {{ ref('stg_geography__circle') }}
    where circle_kind = 'circle'
),

cell as (
    select cell.*
    from {{ ref('int_circle__cell') }} as cell
    inner join circle
        on cell.circle_id = circle.circle_id
    where cell.weight = 1
),

paired as (
    select
        top.circle_id,
        indicator.indicator_id,
        top.year,
        top.vintage,
        top.place_code,
        top.members_total,
        indicator.unit,
        top.document || ' ' || top.edition as source_top,
        bottom.document || ' ' || bottom.edition as source_bottom,
        top.status = 'preliminary' or bottom.status = 'preliminary' as is_preliminary,
        top.is_estimate or bottom.is_estimate as is_estimate,
        cast(top.value as double) as top_value,
        cast(bottom.value as double) as bottom_value,
        cast(top.value as double) / cast(bottom.value as double) * indicator.factor as x
    from indicator
    inner join cell as top
        on indicator.numerator = top.indicator_id
    inner join cell as bottom
        on indicator.denominator = bottom.indicator_id
        and top.circle_id = bottom.circle_id
        and top.place_code = bottom.place_code
        and top.year = bottom.year
        and top.vintage = bottom.vintage
    where bottom.value > 0
),

counted as (
    select
        circle_id,
        indicator_id,
        year,
        vintage,
        max(unit) as unit,
        cast(count(*) as integer) as members,
        {{ exact_sum('top_value') }} as top_total,
        {{ exact_sum('bottom_value') }} as bottom_total,
        {{ exact_sum('x') }} / count(*) as x_mean,
        max(case when is_preliminary then 1 else 0 end) = 1 as is_preliminary,
        max(case when is_estimate then 1 else 0 end) = 1 as is_estimate,
        case
            when
                min(source_top) = max(source_top)
                and min(source_bottom) = max(source_bottom)
                and min(source_top) = min(source_bottom)
                then min(source_top)
        end as series
    from paired
    group by circle_id, indicator_id, year, vintage
    having count(*) = max(members_total) and count(*) >= 3
)

select
    paired.circle_id,
    paired.indicator_id,
    paired.year,
    paired.vintage,
    paired.place_code,
    counted.unit,
    counted.members,
    counted.series,
    counted.is_preliminary,
    counted.is_estimate,
    counted.x_mean,
    counted.top_total / counted.bottom_total
    * (paired.x / (paired.top_value / paired.bottom_value)) as x_circle,
    paired.x,
    paired.top_value / counted.top_total as top_share,
    paired.bottom_value / counted.bottom_total as bottom_share,
    row_number() over (
        partition by paired.circle_id, paired.indicator_id, paired.year, paired.vintage
        order by paired.x, paired.place_code
    ) as rank_up
from paired
inner join counted
    on paired.circle_id = counted.circle_id
    and paired.indicator_id = counted.indicator_id
    and paired.year = counted.year
    and paired.vintage = counted.vintage
where
    counted.top_total > 0
    and paired.top_value > 0

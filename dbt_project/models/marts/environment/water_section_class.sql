with section as (
    select
        snapshot_id,
        record,
        max(document) as document,
        max(edition) as edition,
        max(province_raw) as province_raw,
        max(basin_raw) as basin_raw,
        max(section_raw) as section_raw,
        max(place_code) as place_code,
        max(observed_on) as observed_on,
        max(hour) as hour,
        max(moment_raw) as moment_raw,
        max(class_published) as class_published
    from {{ ref('stg_environment__water_section_reading') }}
    group by snapshot_id, record
),

-- The worst item decides. A river takes the river's limit of phosphorus, a lake the lake's.
class as (
    select
        snapshot_id,
        record,
        max(case when applies_to <> 'lake' then water_class end) as class_river,
        max(case when applies_to <> 'river' then water_class end) as class_lake,
        count(distinct item) as items_evaluated
    from {{ ref('int_water__item_class') }}
    group by snapshot_id, record
),

judged as (
    select
        section.*,
        class.class_river,
        class.class_lake,
        class.items_evaluated
    from section
    left join class
        on section.snapshot_id = class.snapshot_id
        and section.record = class.record
),

deciding as (
    select
        item.snapshot_id,
        item.record,
        {{ dbt.listagg('item.item', "','", 'order by item.item') }} as deciding_items
    from {{ ref('int_water__item_class') }} as item
    inner join judged
        on item.snapshot_id = judged.snapshot_id
        and item.record = judged.record
        and item.water_class = judged.class_river
    where item.applies_to <> 'lake'
    group by item.snapshot_id, item.record
)

select
    judged.snapshot_id,
    judged.record,
    judged.document,
    judged.edition,
    judged.province_raw,
    judged.basin_raw,
    judged.section_raw,
    judged.place_code,
    judged.observed_on,
    judged.hour,
    judged.moment_raw,
    judged.class_published,
    cast(judged.class_river as integer) as class_river,
    cast(judged.class_lake as integer) as class_lake,
    deciding.deciding_items,
    cast(judged.items_evaluated as integer) as items_evaluated,
    judged.class_published <= 3 as is_good,
    case
        when judged.class_published is null then 'not_monitored'
        when judged.class_river is null then 'no_item'
        when judged.class_published = judged.class_river then 'river_limits'
        when judged.class_published = judged.class_lake then 'lake_limits'
        else 'different'
    end as agreement
from judged
left join deciding
    on judged.snapshot_id = deciding.snapshot_id
    and judged.record = deciding.record

-- 一个都市圈数字由哪些印刷数字得来？从结果走回文件、表、行、列。
-- Which printed cells is a circle value made from? From the result back to file, sheet, row, column.
-- `metrocircle explain TABLE column=value --sql` writes this for any value.
with recursive made as (
    select
        fact_id,
        'value' as role,
        0 as depth
    from circle_indicator_year
    where
        circle_id = 'GZ_PAPER9'
        and indicator_id = 'gdp_share_of_province'
        and year = 2021
        and vintage = 'first_published'
    union
    select
        lineage.input_fact_id as fact_id,
        lineage.role,
        made.depth + 1 as depth
    from made
    inner join meta.lineage as lineage
        on made.fact_id = lineage.fact_id
)

select
    made.depth,
    made.role,
    observation.place_raw,
    observation.indicator_raw,
    observation.value_text,
    observation.unit_raw,
    observation.document,
    observation.edition,
    observation.locator,
    snapshot.file,
    observation.line,
    observation.read_from,
    observation.read_locator
from made
inner join tidy.observation as observation
    on made.fact_id = observation.fact_id
inner join meta.snapshot as snapshot
    on observation.snapshot_id = snapshot.snapshot_id
order by made.depth, made.role, observation.place_code, observation.locator

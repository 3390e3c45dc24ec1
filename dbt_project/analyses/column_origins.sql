-- 某个字段是由哪些原始字段算出来的？
-- Which extract columns is a column of a mart computed from, and through which models?
-- Columns that only join, filter or group are not listed.
with recursive behind as (
    select
        table_name,
        column_name,
        input_table,
        input_column,
        1 as step_back
    from meta.column_lineage
    where
        step = 'direct'
        and table_name = 'main.circle_indicator_year'
        and column_name = 'value'
    union
    select
        further.table_name,
        further.column_name,
        further.input_table,
        further.input_column,
        behind.step_back + 1 as step_back
    from behind
    inner join meta.column_lineage as further
        on behind.input_table = further.table_name
        and behind.input_column = further.column_name
        and further.step = 'direct'
)

select
    min(step_back) as step_back,
    table_name,
    column_name,
    input_table,
    input_column
from behind
group by table_name, column_name, input_table, input_column
order by step_back, table_name, column_name, input_table, input_column

-- Overlap of the strategic industries that two cities name, on our groups of industries, not on
-- printed names: a count of intentions, not of output.
with named as (
    select distinct
        document,
        place_code,
        group_code,
        is_open_list
    from {{ ref('stg_publications__strategic_industry') }}
),

listed as (
    select
        document,
        place_code,
        cast(count(*) as integer) as groups_named,
        max(case when is_open_list then 1 else 0 end) = 1 as is_open_list
    from named
    group by document, place_code
),

shared as (
    select
        a.document,
        a.place_code as place_code_a,
        b.place_code as place_code_b,
        cast(count(*) as integer) as groups_shared,
        {{ dbt.listagg('a.group_code', "', '", 'order by a.group_code') }} as shared_groups
    from named as a
    inner join named as b
        on a.document = b.document
        and a.group_code = b.group_code
        and a.place_code < b.place_code
    group by a.document, a.place_code, b.place_code
)

select
    a.document,
    a.place_code as place_code_a,
    b.place_code as place_code_b,
    a.groups_named as groups_a,
    b.groups_named as groups_b,
    coalesce(shared.groups_shared, 0) as groups_shared,
    {{ rounded(
        'cast(coalesce(shared.groups_shared, 0) as double)'
        ' / (a.groups_named + b.groups_named - coalesce(shared.groups_shared, 0))', 6
    ) }} as jaccard,
    {{ rounded(
        'cast(coalesce(shared.groups_shared, 0) as double) / least(a.groups_named, b.groups_named)', 6
    ) }} as overlap_coefficient,
    a.is_open_list or b.is_open_list as is_estimate,
    shared.shared_groups
from listed as a
inner join listed as b
    on a.document = b.document
    and a.place_code < b.place_code
left join shared
    on a.document = shared.document
    and a.place_code = shared.place_code_a
    and b.place_code = shared.place_code_b

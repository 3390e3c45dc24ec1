{{ config(severity='warn') }}
-- A printed amount that is less than a third, or more than three times, of both its neighbours in the
-- first prints of one document must be declared: in corrections.yml, or in anomalies.csv, which leaves
-- a remark that begins with `suspect`. Rates jump by nature and are left alone. Only a warning: the
-- next edition may print what nobody has looked at yet.
with first_print as (
    select *
    from (
        select
            cell.place_code,
            cell.indicator_id,
            cell.scope,
            cell.document,
            cell.edition,
            cell.year,
            cell.value,
            cell.note,
            cell.correction_id,
            row_number() over (
                partition by
                    cell.document, cell.place_code, cell.indicator_id, cell.scope, cell.year
                order by cell.edition
            ) as choice
        from {{ ref('city_indicator_year') }} as cell
        inner join {{ ref('indicator') }} as indicator
            on cell.indicator_id = indicator.indicator_id
        where
            cell.method is null
            and indicator.aggregation = 'sum'
    ) as ranked
    where choice = 1
),

beside as (
    select
        *,
        lag(value) over (
            partition by document, place_code, indicator_id, scope order by year
        ) as before,
        lead(value) over (
            partition by document, place_code, indicator_id, scope order by year
        ) as after
    from first_print
)

select
    place_code,
    indicator_id,
    scope,
    document,
    edition,
    year,
    before,
    value,
    after
from beside
where
    coalesce(note, '') not like '%suspect: %'
    and correction_id is null
    and (
        (value < before / 3 and value < after / 3)
        or (value > before * 3 and value > after * 3)
    )

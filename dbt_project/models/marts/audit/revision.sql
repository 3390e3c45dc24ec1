-- Consecutive vintages of a cell whose printed intervals do not meet.
with vintages as (
    select *
    from {{ ref('int_indicator__vintages') }}
    where
        published_on is not null
        and not is_repeat
        and method is null
),

-- One value per cell and publication date: two documents of one day do not revise each other.
dated as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by place_code, indicator_id, data_year, scope, published_on
                order by precedence asc, document asc, edition desc
            ) as choice
        from vintages
    ) as ranked
    where choice = 1
),

paired as (
    select
        *,
        lag(document) over (
            partition by place_code, indicator_id, data_year, scope order by published_on
        ) as from_document,
        lag(edition) over (
            partition by place_code, indicator_id, data_year, scope order by published_on
        ) as from_edition,
        lag(value) over (
            partition by place_code, indicator_id, data_year, scope order by published_on
        ) as old_value,
        lag(value_low) over (
            partition by place_code, indicator_id, data_year, scope order by published_on
        ) as old_low,
        lag(value_high) over (
            partition by place_code, indicator_id, data_year, scope order by published_on
        ) as old_high
    from dated
)

select
    place_code,
    indicator_id,
    data_year as year,
    scope,
    from_document,
    from_edition,
    document as to_document,
    edition as to_edition,
    {{ published('old_value') }} as old_value,
    {{ published('value') }} as new_value,
    unit,
    case
        when old_value <> 0
            then {{ rounded('cast(value as double) / cast(old_value as double) - 1', 10) }}
    end as relative_change
from paired
where
    from_document is not null
    and (value_low > old_high or value_high < old_low)

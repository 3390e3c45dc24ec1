-- Consecutive vintages of a cell whose printed intervals do not meet, and what is known to stand
-- behind the change: a preliminary figure replaced, the final verification of the second year, or a
-- census that re-based earlier years (seed revision_cause). `other` is a change nobody explained.
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
        lag(status) over (
            partition by place_code, indicator_id, data_year, scope order by published_on
        ) as from_status,
        lag(edition_year) over (
            partition by place_code, indicator_id, data_year, scope order by published_on
        ) as from_edition_year,
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
    paired.place_code,
    paired.indicator_id,
    paired.data_year as year,
    paired.scope,
    paired.from_document,
    paired.from_edition,
    paired.document as to_document,
    paired.edition as to_edition,
    {{ published('paired.old_value') }} as old_value,
    {{ published('paired.value') }} as new_value,
    paired.unit,
    case
        when paired.old_value <> 0
            then {{ rounded('cast(paired.value as double) / cast(paired.old_value as double) - 1', 10) }}
    end as relative_change,
    case
        when paired.from_status = 'preliminary' then 'preliminary_replaced'
        else coalesce(known.cause, 'other')
    end as cause
from paired
left join {{ ref('revision_cause') }} as known
    on paired.indicator_id = known.indicator_id
    and paired.data_year between known.first_year and known.last_year
    and case
        when known.cause = 'final_verification'
            then
                paired.from_edition_year <= paired.data_year + 1
                and paired.edition_year >= paired.data_year + 2
        else
            paired.from_edition_year < known.since_edition
            and paired.edition_year >= known.since_edition
    end
where
    paired.from_document is not null
    and (paired.value_low > paired.old_high or paired.value_high < paired.old_low)

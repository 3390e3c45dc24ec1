-- What circles need and nobody supplied: for every indicator and year in which some members have a
-- value, the members that lack one; and the years between the first and the last for which no member
-- has one (place_code 'none'). What a printed figure or a policy target needs stands beside them, under
-- the id of the figure or target. Indicators that no source prints for any member of a circle in any
-- year (commuting ties among them) stand once, in the newest year held.
with circle as (
    select *
    from {{ ref('stg_geography__circle') }}
    where circle_kind in ('circle', 'core')
),

indicator as (
    select *
    from {{ ref('stg_registry__indicator') }}
    where
        aggregation in ('sum', 'chain')
        -- Made of year ends: what is missing is a year end, and stands there.
        and indicator_id <> 'population_resident_average'
),

started as (
    select distinct
        circle_id,
        indicator_id,
        year
    from {{ ref('int_circle__cell') }}
    where vintage = 'latest'
),

missing as (
    select
        member.place_code,
        started.circle_id,
        started.indicator_id,
        started.year
    from started
    inner join circle
        on started.circle_id = circle.circle_id
    inner join indicator
        on started.indicator_id = indicator.indicator_id
    inner join {{ ref('int_circle__member') }} as member
        on started.circle_id = member.circle_id
    left join {{ ref('int_circle__cell') }} as cell
        on started.circle_id = cell.circle_id
        and started.indicator_id = cell.indicator_id
        and started.year = cell.year
        and cell.vintage = 'latest'
        and member.place_code = cell.place_code
    where
        cell.place_code is null
        and not member.is_predecessor
),

span as (
    select
        started.circle_id,
        started.indicator_id,
        min(started.year) as first_year,
        max(started.year) as last_year
    from started
    inner join circle
        on started.circle_id = circle.circle_id
    inner join indicator
        on started.indicator_id = indicator.indicator_id
    group by started.circle_id, started.indicator_id
),

held_years as (
    select distinct year
    from {{ ref('int_circle__cell') }}
),

silent as (
    select
        'none' as place_code,
        span.circle_id,
        span.indicator_id,
        years.year
    from span
    inner join held_years as years
        on span.first_year < years.year
        and span.last_year > years.year
    left join started
        on span.circle_id = started.circle_id
        and span.indicator_id = started.indicator_id
        and years.year = started.year
    where started.circle_id is null
),

wanted as (
    select
        *,
        'circle_indicator_year' as needed_by
    from missing
    union all
    select
        *,
        'circle_indicator_year' as needed_by
    from silent
    union all
    select
        place_code,
        'none' as circle_id,
        indicator_id,
        year,
        needed_by
    from {{ ref('int_publications__need') }}
),

reasoned as (
    select
        wanted.*,
        case
            when
                place.place_code not like '44%'
                and indicator.would_be_filled_by like 'Guangdong Statistical Yearbook%'
                then
                    'Statistical Yearbook of ' || place.place_name_en
                    || ', as for Guangdong: ' || indicator.would_be_filled_by
            else coalesce(reason.would_be_filled_by, indicator.would_be_filled_by)
        end as would_be_filled_by,
        case
            when excluded.place_code is not null
                then
                    'Printed in ' || excluded.printed_in || ', but excluded by the correction '
                    || excluded.correction_id
            else reason.reason
        end as reason,
        row_number() over (
            partition by
                wanted.place_code, wanted.circle_id, wanted.indicator_id, wanted.year,
                wanted.needed_by
            order by
                case when reason.year is not null then 0 else 1 end,
                reason.reason
        ) as choice
    from wanted
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on wanted.indicator_id = indicator.indicator_id
    left join {{ ref('int_place__named') }} as place
        on wanted.place_code = place.place_code
        and wanted.year = place.year
    left join {{ ref('stg_yearbook__excluded') }} as excluded
        on wanted.place_code = excluded.place_code
        and wanted.indicator_id = excluded.indicator_id
        and wanted.year = excluded.data_year
    left join {{ ref('gap_reason') }} as reason
        on wanted.indicator_id = reason.indicator_id
        and (reason.year is null or wanted.year = reason.year)
        and (reason.place_level is null or place.place_level = reason.place_level)
),

ever as (
    select distinct
        circle_id,
        indicator_id
    from {{ ref('int_circle__cell') }}
),

newest as (
    select max(year) as year
    from held_years
),

explained as (
    select
        place_code,
        circle_id,
        indicator_id,
        year,
        needed_by,
        -- A yearbook prints a year first in the edition that follows it.
        case
            when would_be_filled_by like '%Yearbook%' and would_be_filled_by not like '%edition from%'
                then
                    would_be_filled_by || '; the data of ' || cast(year as varchar(4))
                    || ' first stand in edition ' || cast(year + 1 as varchar(4))
            else would_be_filled_by
        end as would_be_filled_by,
        coalesce(
            reason,
            case
                when place_code = 'none'
                    then 'No edition held prints a usable value for any member in this year'
                else 'No edition held prints a usable value for this place and year'
            end
        ) as reason
    from reasoned
    where choice = 1
),

absent as (
    select
        'none' as place_code,
        circle.circle_id,
        registry.indicator_id,
        newest.year,
        'indicator' as needed_by,
        registry.would_be_filled_by,
        'No source held prints it for any member in any year' as reason
    from circle
    cross join newest
    inner join {{ ref('stg_registry__indicator') }} as registry
        on registry.aggregation in ('sum', 'none')
    left join ever
        on circle.circle_id = ever.circle_id
        and registry.indicator_id = ever.indicator_id
    where
        circle.circle_kind = 'circle'
        and ever.indicator_id is null
        and registry.would_be_filled_by is not null
)

select * from explained
union all
select * from absent

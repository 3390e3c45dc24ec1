-- The dated timetable nearest to each undated listing: inside its window, else the fewest days off.
with listing as (
    select distinct
        document,
        edition,
        listed_on
    from {{ ref('stg_rail__listed_train') }}
),

timetable as (
    select distinct
        timetable,
        window_first,
        window_last
    from {{ ref('int_rail__day') }}
),

apart as (
    select
        listing.document,
        listing.edition,
        listing.listed_on,
        timetable.timetable,
        case
            when listing.listed_on < timetable.window_first
                then {{ dbt.datediff('listing.listed_on', 'timetable.window_first', 'day') }}
            when listing.listed_on > timetable.window_last
                then {{ dbt.datediff('timetable.window_last', 'listing.listed_on', 'day') }}
            else 0
        end as days_apart
    from listing
    cross join timetable
),

ranked as (
    select
        *,
        row_number() over (
            partition by document, edition
            order by days_apart asc, timetable desc
        ) as choice
    from apart
)

select
    document,
    edition,
    listed_on,
    timetable,
    days_apart
from ranked
where choice = 1

-- Which values a derived or circle value was made from, one step at a time: follow fact_id to
-- input_fact_id until a printed value with a locator is reached.
with circle_value as (
    select
        fact_id,
        circle_id,
        indicator_id,
        year,
        vintage,
        aggregation,
        numerator,
        replace(denominator, '@province', '') as divisor,
        denominator like '%@province' as is_share_of_province
    from {{ ref('circle_indicator_year') }}
    where value is not null
),

indicator as (
    select
        indicator_id,
        weight
    from {{ ref('stg_registry__indicator') }}
),

member as (
    select
        circle_value.fact_id,
        cell.fact_id as input_fact_id,
        case
            when cell.indicator_id = circle_value.indicator_id then 'member'
            when cell.indicator_id = circle_value.numerator then 'numerator'
            when cell.indicator_id = circle_value.divisor then 'denominator'
            else 'weight'
        end as role
    from circle_value
    inner join indicator
        on circle_value.indicator_id = indicator.indicator_id
    inner join {{ ref('int_circle__cell') }} as cell
        on circle_value.circle_id = cell.circle_id
        and circle_value.year = cell.year
        and circle_value.vintage = cell.vintage
        and (
            (
                not {{ of_two_parts('circle_value.aggregation') }}
                and cell.indicator_id in (circle_value.indicator_id, indicator.weight)
            )
            or (
                {{ of_two_parts('circle_value.aggregation') }}
                and (
                    circle_value.numerator = cell.indicator_id
                    or (
                        not circle_value.is_share_of_province
                        and circle_value.divisor = cell.indicator_id
                    )
                )
            )
        )
),

province as (
    select
        circle_value.fact_id,
        cell.fact_id as input_fact_id,
        'denominator' as role
    from circle_value
    inner join {{ ref('int_circle__total') }} as total
        on circle_value.circle_id = total.circle_id
        and circle_value.numerator = total.indicator_id
        and circle_value.year = total.year
        and circle_value.vintage = total.vintage
    inner join {{ ref('int_policy__cells') }} as cell
        on total.province_code = cell.place_code
        and circle_value.divisor = cell.indicator_id
        and circle_value.year = cell.year
        and circle_value.vintage = cell.vintage
    where circle_value.is_share_of_province
),

place_ratio as (
    select
        fact_id,
        numerator_fact_id,
        denominator_fact_id
    from {{ ref('int_indicator__ratio') }}
    union all
    select
        fact_id,
        numerator_fact_id,
        denominator_fact_id
    from {{ ref('int_indicator__across') }}
),

place_part as (
    select
        fact_id,
        numerator_fact_id as input_fact_id,
        'numerator' as role
    from place_ratio
    union all
    select
        fact_id,
        denominator_fact_id as input_fact_id,
        'denominator' as role
    from place_ratio
),

province_sum as (
    select
        summed.fact_id,
        observation.fact_id as input_fact_id,
        'member' as role
    from {{ ref('int_indicator__province_sum') }} as summed
    inner join {{ ref('int_province__member') }} as city
        on summed.place_code = city.province_code
        and summed.data_year = city.year
    inner join {{ ref('stg_yearbook__observation') }} as observation
        on city.place_code = observation.place_code
        and summed.indicator_id = observation.indicator_id
        and summed.data_year = observation.data_year
        and summed.document = observation.document
        and summed.edition = observation.edition
        and {{ is_whole('observation') }}
),

year_average as (
    select
        fact_id,
        ending_fact_id as input_fact_id,
        'member' as role
    from {{ ref('int_indicator__year_average') }}
    union all
    select
        fact_id,
        beginning_fact_id as input_fact_id,
        'member' as role
    from {{ ref('int_indicator__year_average') }}
),

unioned as (
    select * from member
    union all
    select * from province
    union all
    select * from place_part
    union all
    select * from province_sum
    union all
    select * from year_average
)

select distinct
    fact_id,
    input_fact_id,
    role
from unioned

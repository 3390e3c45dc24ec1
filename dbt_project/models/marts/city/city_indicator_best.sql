-- The policy `latest`, whole places; ratios whose parts stand in two editions are added, and say so.
with cell as (
    select * from {{ ref('int_policy__cells') }}
    where vintage = 'latest'
),

ratio as (
    select
        indicator_id,
        unit,
        factor,
        numerator,
        denominator
    from {{ ref('stg_registry__indicator') }}
    where
        aggregation = 'ratio_of_sums'
        and denominator not like '%@province'
),

across as (
    select
        numerator.place_code,
        ratio.indicator_id,
        numerator.year,
        ratio.unit,
        numerator.document || ' / ' || denominator.document as document,
        numerator.edition || ' / ' || denominator.edition as edition,
        case
            when numerator.published_on > denominator.published_on then numerator.published_on
            else denominator.published_on
        end as published_on,
        'assumed' as published_on_precision,
        'unknown' as status,
        'secondary' as source_kind,
        numerator.is_estimate or denominator.is_estimate as is_estimate,
        'ratio across editions' as method,
        {{ ratio('numerator.value', 'denominator.value', 'ratio.factor') }} as value,
        {{ ratio('numerator.value_low', 'denominator.value_high', 'ratio.factor') }} as value_low,
        {{ ratio('numerator.value_high', 'denominator.value_low', 'ratio.factor') }} as value_high,
        {{ fact_hash(["'across'", 'numerator.place_code', 'ratio.indicator_id',
            'cast(numerator.year as varchar(4))']) }} as fact_id
    from ratio
    inner join cell as numerator
        on ratio.numerator = numerator.indicator_id
    inner join cell as denominator
        on ratio.denominator = denominator.indicator_id
        and numerator.place_code = denominator.place_code
        and numerator.year = denominator.year
    left join cell as held
        on ratio.indicator_id = held.indicator_id
        and numerator.place_code = held.place_code
        and numerator.year = held.year
    where
        held.place_code is null
        and denominator.value_low > 0
),

unioned as (
    select
        place_code,
        indicator_id,
        year,
        unit,
        document,
        edition,
        published_on,
        published_on_precision,
        status,
        source_kind,
        is_estimate,
        method,
        value,
        value_low,
        value_high,
        fact_id
    from cell
    union all
    select
        place_code,
        indicator_id,
        year,
        unit,
        document,
        edition,
        published_on,
        published_on_precision,
        status,
        source_kind,
        is_estimate,
        method,
        value,
        value_low,
        value_high,
        fact_id
    from across
)

select
    unioned.place_code,
    unioned.indicator_id,
    unioned.year,
    place.place_level,
    place.place_name_zh,
    place.place_name_en,
    {{ published('unioned.value') }} as value,
    {{ published('unioned.value_low') }} as value_low,
    {{ published('unioned.value_high') }} as value_high,
    unioned.unit,
    unioned.document,
    unioned.edition,
    unioned.published_on,
    unioned.published_on_precision,
    unioned.status,
    unioned.source_kind,
    unioned.is_estimate,
    unioned.method,
    unioned.fact_id
from unioned
inner join {{ ref('int_place__named') }} as place
    on unioned.place_code = place.place_code
    and unioned.year = place.year

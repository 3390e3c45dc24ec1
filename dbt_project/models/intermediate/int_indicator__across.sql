-- Ratios of places whose two parts stand in different editions, latest values only, flagged by
-- their method. Parts of one edition are in int_indicator__ratio.
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
)

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
    numerator.fact_id as numerator_fact_id,
    denominator.fact_id as denominator_fact_id,
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

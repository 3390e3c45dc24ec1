-- Ratios of places from the latest value of each part, wherever no edition prints the ratio itself:
-- what stands beside its parts in one row must follow from them. Two editions are named both.
with cell as (
    select * from {{ ref('int_policy__cells') }}
    where vintage = 'latest'
),

ratio as (
    select
        indicator_id,
        unit,
        aggregation,
        factor,
        numerator,
        denominator
    from {{ ref('stg_registry__indicator') }}
    where
        {{ of_two_parts('aggregation') }}
        and denominator not like '%@province'
)

select
    numerator.place_code,
    ratio.indicator_id,
    numerator.year,
    ratio.unit,
    case
        when numerator.document = denominator.document then numerator.document
        else numerator.document || ' / ' || denominator.document
    end as document,
    case
        when numerator.edition = denominator.edition then numerator.edition
        else numerator.edition || ' / ' || denominator.edition
    end as edition,
    case
        when numerator.published_on > denominator.published_on then numerator.published_on
        else denominator.published_on
    end as published_on,
    case
        when numerator.published_on > denominator.published_on
            then numerator.published_on_precision
        else denominator.published_on_precision
    end as published_on_precision,
    case
        when numerator.status = 'preliminary' or denominator.status = 'preliminary'
            then 'preliminary'
        else 'unknown'
    end as status,
    'secondary' as source_kind,
    numerator.is_estimate or denominator.is_estimate as is_estimate,
    numerator.fact_id as numerator_fact_id,
    denominator.fact_id as denominator_fact_id,
    case
        when
            numerator.document = denominator.document
            and numerator.edition = denominator.edition
            then case ratio.aggregation when 'ratio_of_sums' then 'ratio' else ratio.aggregation end
        else
            case ratio.aggregation when 'ratio_of_sums' then 'ratio' else ratio.aggregation end
            || ' across editions'
    end as method,
    {{ combined('ratio.aggregation', 'numerator.value', 'denominator.value', 'denominator.value', 'ratio.factor') }} as value,
    {{ combined('ratio.aggregation', 'numerator.value_low', 'denominator.value_low', 'denominator.value_high', 'ratio.factor') }} as value_low,
    {{ combined('ratio.aggregation', 'numerator.value_high', 'denominator.value_high', 'denominator.value_low', 'ratio.factor') }} as value_high,
    {{ fact_hash(["'across'", 'numerator.place_code', 'ratio.indicator_id',
        'cast(numerator.year as varchar(4))']) }} as fact_id
from ratio
inner join cell as numerator
    on ratio.numerator = numerator.indicator_id
inner join cell as denominator
    on ratio.denominator = denominator.indicator_id
    and numerator.place_code = denominator.place_code
    and numerator.year = denominator.year
left join cell as printed
    on ratio.indicator_id = printed.indicator_id
    and numerator.place_code = printed.place_code
    and numerator.year = printed.year
    and printed.method is null
where
    printed.place_code is null
    and denominator.value_low > 0

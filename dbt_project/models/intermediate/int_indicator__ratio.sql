-- Ratios of places, both parts from one edition: a ratio across editions would mix vintages.
-- Lower and upper bounds are those of the parts (interval arithmetic).
with base as (
    select base.*
    from {{ ref('int_indicator__base') }} as base
    where {{ is_whole('base') }}
),

place as (
    select * from {{ ref('int_place__named') }}
),

ratio as (
    select
        indicator_id,
        unit,
        aggregation,
        factor,
        numerator,
        replace(denominator, '@province', '') as denominator,
        denominator like '%@province' as is_share_of_province
    from {{ ref('stg_registry__indicator') }}
    where {{ of_two_parts('aggregation') }}
),

joined as (
    select
        numerator.document,
        numerator.edition,
        numerator.published_on,
        numerator.published_on_precision,
        numerator.place_code,
        ratio.indicator_id,
        numerator.data_year,
        numerator.scope,
        ratio.unit,
        ratio.aggregation,
        ratio.factor,
        ratio.is_share_of_province,
        numerator.value as numerator_value,
        numerator.value_low as numerator_low,
        numerator.value_high as numerator_high,
        denominator.value as denominator_value,
        denominator.value_low as denominator_low,
        denominator.value_high as denominator_high,
        numerator.fact_id as numerator_fact_id,
        denominator.fact_id as denominator_fact_id,
        numerator.is_estimate or denominator.is_estimate as is_estimate,
        coalesce(denominator.method, numerator.method) as part_method,
        case
            when numerator.status = 'preliminary' or denominator.status = 'preliminary'
                then 'preliminary'
            else 'unknown'
        end as status
    from ratio
    inner join base as numerator
        on ratio.numerator = numerator.indicator_id
    inner join place
        on numerator.place_code = place.place_code
        and numerator.data_year = place.year
    inner join base as denominator
        on ratio.denominator = denominator.indicator_id
        and numerator.document = denominator.document
        and numerator.edition = denominator.edition
        and numerator.data_year = denominator.data_year
        and denominator.place_code = case
            when ratio.is_share_of_province
                then case
                    when place.place_level = 'prefecture' then place.parent_code
                    else substr(numerator.place_code, 1, 2) || '0000'
                end
            else numerator.place_code
        end
    where
        denominator.value_low > 0
        and not (ratio.is_share_of_province and place.place_level = 'province')
),

printed as (
    select distinct
        place_code,
        indicator_id,
        data_year,
        document,
        edition
    from base
)

select
    joined.document,
    joined.edition,
    joined.published_on,
    joined.published_on_precision,
    joined.place_code,
    joined.indicator_id,
    joined.data_year,
    joined.scope,
    joined.unit,
    joined.numerator_fact_id,
    joined.denominator_fact_id,
    joined.is_estimate,
    joined.status,
    case
        when joined.is_share_of_province and joined.part_method is not null
            then 'ratio; denominator ' || joined.part_method
        when joined.is_share_of_province then 'ratio; denominator province_as_published'
        when joined.part_method is not null then 'ratio; parts ' || joined.part_method
        when joined.aggregation <> 'ratio_of_sums' then joined.aggregation
        else 'ratio'
    end as method,
    {{ combined('joined.aggregation', 'joined.numerator_value', 'joined.denominator_value', 'joined.denominator_value', 'joined.factor') }} as value,
    {{ combined('joined.aggregation', 'joined.numerator_low', 'joined.denominator_low', 'joined.denominator_high', 'joined.factor') }} as value_low,
    {{ combined('joined.aggregation', 'joined.numerator_high', 'joined.denominator_high', 'joined.denominator_low', 'joined.factor') }} as value_high,
    {{ fact_hash(["'ratio'", 'joined.place_code', 'joined.indicator_id',
        'cast(joined.data_year as varchar(4))', 'joined.document', 'joined.edition']) }} as fact_id
from joined
left join printed
    on joined.place_code = printed.place_code
    and joined.indicator_id = printed.indicator_id
    and joined.data_year = printed.data_year
    and joined.document = printed.document
    and joined.edition = printed.edition
where printed.place_code is null

-- What a document's own figures make of one of its figures: sums, differences and ratios of what it
-- prints, shares that must close to 100, its R&D expenditure over the GDP of the yearbook, its growth
-- less that of the residents. In the printed units, and then in the unit of the figure.
with figure as (
    select * from {{ ref('stg_publications__printed_figure') }}
),

input as (
    select
        relation.figure_id,
        relation.role,
        relation.factor,
        relation.rule,
        given.number,
        given.number_low,
        given.number_high
    from {{ ref('stg_publications__figure_relation') }} as relation
    inner join figure as given
        on relation.input_figure_id = given.figure_id
),

complete as (
    select
        figure_id,
        max(rule) as rule,
        max(factor) as factor,
        max(case when role = 'numerator' then 1 else 0 end) = 1 as is_ratio,
        sum(case role when 'part' then number when 'minus' then -number end) as total,
        sum(case role when 'part' then number_low when 'minus' then -number_high end) as total_low,
        sum(case role when 'part' then number_high when 'minus' then -number_low end) as total_high,
        sum(case when role = 'numerator' then number end) as numerator,
        sum(case when role = 'numerator' then number_low end) as numerator_low,
        sum(case when role = 'numerator' then number_high end) as numerator_high,
        sum(case when role = 'denominator' then number end) as denominator,
        sum(case when role = 'denominator' then number_low end) as denominator_low,
        sum(case when role = 'denominator' then number_high end) as denominator_high
    from input
    group by figure_id
    having count(number_low) = count(*) and count(number_high) = count(*)
),

related as (
    select
        figure_id,
        'made of other figures of the document: ' || rule as rule,
        case
            when is_ratio then {{ ratio('numerator', 'denominator', 'factor') }}
            else {{ measure('total') }}
        end as number,
        case
            when is_ratio then {{ ratio('numerator_low', 'denominator_high', 'factor') }}
            else {{ measure('total_low') }}
        end as number_low,
        case
            when is_ratio then {{ ratio('numerator_high', 'denominator_low', 'factor') }}
            else {{ measure('total_high') }}
        end as number_high
    from complete
),

-- Three shares of one whole: what the other two leave for each.
share as (
    select
        figure.*,
        case
            when figure.indicator_id like 'manufacturing_share_%' then 'manufacturing'
            else 'gdp'
        end as whole
    from figure
    where
        figure.number is not null
        and (
            figure.indicator_id like 'manufacturing_share_%'
            or figure.indicator_id in ('primary_share', 'secondary_share', 'tertiary_share')
        )
),

closed as (
    select
        share.figure_id,
        'made of other figures of the document: 100 less the other two shares of the row' as rule,
        {{ measure('100 - sum(other.number)') }} as number,
        {{ measure('100 - sum(other.number_high)') }} as number_low,
        {{ measure('100 - sum(other.number_low)') }} as number_high
    from share
    inner join share as other
        on share.document = other.document
        and share.locator = other.locator
        and share.area_id = other.area_id
        and share.year = other.year
        and share.whole = other.whole
        and share.figure_id <> other.figure_id
    group by share.figure_id
    having count(*) = 2
),

-- The document prints an intensity and the expenditure, but no GDP of the place: that is the
-- yearbook's. Half of the inputs are the document's own, so this can never reproduce the figure.
intensity as (
    select
        figure.figure_id,
        'the R&D expenditure that the document prints over GDP as first published ('
        || gdp.edition_min || ')' as rule,
        {{ ratio('spent.printed_value', 'gdp.value', 'indicator.factor') }} as number,
        {{ ratio('spent.interval_low', 'gdp.value_high', 'indicator.factor') }} as number_low,
        {{ ratio('spent.interval_high', 'gdp.value_low', 'indicator.factor') }} as number_high
    from figure
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on figure.indicator_id = indicator.indicator_id
    inner join figure as spent
        on figure.document = spent.document
        and figure.area_id = spent.area_id
        and figure.year = spent.year
        and indicator.numerator = spent.indicator_id
    inner join {{ ref('int_publications__area_value') }} as gdp
        on figure.area_id = gdp.area_id
        and indicator.denominator = gdp.indicator_id
        and figure.year = gdp.year
        and gdp.vintage = 'first_published'
    left join related
        on figure.figure_id = related.figure_id
    where
        figure.indicator_id = 'rd_intensity'
        and gdp.value_low > 0
        and spent.number is not null
        and related.figure_id is null
),

-- Growth a head follows from growth and the residents of both ends. Those of a census stand for the
-- year end where none is held.
resident as (
    select
        held.area_id,
        held.year,
        cast(held.value as double) * unit.factor as value,
        case held.indicator_id when 'population_resident' then 0 else 1 end as choice
    from {{ ref('int_publications__area_value') }} as held
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on held.indicator_id = indicator.indicator_id
    inner join {{ ref('stg_registry__unit') }} as unit
        on indicator.unit_id = unit.unit_id
    where
        held.indicator_id in ('population_resident', 'population_census')
        and held.vintage = 'latest'
        and held.value is not null
),

residents as (
    select
        *,
        row_number() over (partition by area_id, year order by choice) as rank_in_year
    from resident
),

growth as (
    select
        figure.figure_id,
        power(ending.value / beginning.value, cast(1 as double) / (figure.year_end - figure.year_start))
            as residents_growth,
        whole.number,
        whole.number_low,
        whole.number_high
    from figure
    inner join figure as whole
        on figure.document = whole.document
        and figure.circle_id = whole.circle_id
        and figure.year_start = whole.year_start
        and figure.year_end = whole.year_end
        and whole.indicator_name = 'gdp_cagr_comparable_price'
    inner join residents as beginning
        on figure.circle_id = beginning.area_id
        and figure.year_start = beginning.year
        and beginning.rank_in_year = 1
    inner join residents as ending
        on figure.circle_id = ending.area_id
        and figure.year_end = ending.year
        and ending.rank_in_year = 1
    where figure.indicator_name = 'gdp_per_capita_cagr_comparable_price'
),

a_head as (
    select
        figure_id,
        'the growth that the document prints over that of residents, those of the first year from '
        || 'the census' as rule,
        {{ exact('100 * ((1 + cast(number as double) / 100) / residents_growth - 1)') }} as number,
        {{ exact('100 * ((1 + cast(number_low as double) / 100) / residents_growth - 1)') }}
            as number_low,
        {{ exact('100 * ((1 + cast(number_high as double) / 100) / residents_growth - 1)') }}
            as number_high
    from growth
),

made as (
    select * from related
    union all
    select * from a_head
    union all
    select * from closed
    union all
    select * from intensity
)

select
    made.figure_id,
    made.rule,
    {{ exact('cast(made.number as double) * figure.multiplier') }} as value,
    {{ exact('cast(made.number_low as double) * figure.multiplier') }} as value_low,
    {{ exact('cast(made.number_high as double) * figure.multiplier') }} as value_high
from made
inner join figure
    on made.figure_id = figure.figure_id

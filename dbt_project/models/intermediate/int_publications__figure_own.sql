-- What the other figures of the same document make of a figure: sums, differences and ratios of
-- what it prints. In the printed units, and then in the unit of the figure.
with input as (
    select
        relation.figure_id,
        relation.role,
        relation.factor,
        relation.rule,
        given.number,
        given.number_low,
        given.number_high
    from {{ ref('stg_publications__figure_relation') }} as relation
    inner join {{ ref('stg_publications__printed_figure') }} as given
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

made as (
    select
        figure_id,
        rule,
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
)

select
    made.figure_id,
    made.rule,
    {{ exact('cast(made.number as double) * figure.multiplier') }} as value,
    {{ exact('cast(made.number_low as double) * figure.multiplier') }} as value_low,
    {{ exact('cast(made.number_high as double) * figure.multiplier') }} as value_high
from made
inner join {{ ref('stg_publications__printed_figure') }} as figure
    on made.figure_id = figure.figure_id

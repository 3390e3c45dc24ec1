{% macro measure(expression) -%}
    {#- Measures are exact decimals before they are summed: sums of doubles depend on the number of
        threads (measured). Ten decimals hold every printed precision met so far. For a number that
        is exact already; a double becomes one by way of `exact`. -#}
    cast({{ expression }} as decimal(28, 10))
{%- endmacro %}

{% macro rounded(expression, decimals) -%}
    {#- A double as it is published, rounded once. Engines round a double each in their own way:
        0.591902835 to eight decimals came out as ...83 and as ...84. -#}
    cast({{ exact(expression, decimals) }} as double)
{%- endmacro %}

{% macro published(expression) -%}
    {#- What readers get: a double, made from the exact decimal once, at the very end. -#}
    cast({{ expression }} as double)
{%- endmacro %}

{% macro fact_hash(columns) -%}
    {#- Stable 16-digit id of a derived value, over the columns that identify it. -#}
    substr({{ dbt.hash(columns | join(" || '|' || ")) }}, 1, 16)
{%- endmacro %}

{% macro edition_year(column) -%}
    {#- The year an edition is named after; null for names that are no year. dbt.safe_cast is a
        plain cast on DuckDB, where 'undated' would end the run. -#}
    try_cast({{ column }} as integer)
{%- endmacro %}

{% macro of_two_parts(aggregation) -%}
    {#- Rules that make a value of two indicators, named numerator and denominator. -#}
    {{ aggregation }} in ('ratio_of_sums', 'difference', 'sum_of_parts')
{%- endmacro %}

{% macro combined(aggregation, first, second, opposite, factor) -%}
    {#- A value of two parts by their rule. `opposite` is the second part's bound on the other side:
        what makes a quotient or a difference small is a large second part. -#}
    case {{ aggregation }}
        when 'difference' then {{ measure(first ~ ' - ' ~ opposite) }}
        when 'sum_of_parts' then {{ measure(first ~ ' + ' ~ second) }}
        else {{ ratio(first, opposite, factor) }}
    end
{%- endmacro %}

{% macro ratio(numerator, denominator, factor) -%}
    {#- One division in doubles, rounded once to the decimals of a measure. -#}
    {{ exact("cast(" ~ numerator ~ " as double) / cast(" ~ denominator ~ " as double) * " ~ factor) }}
{%- endmacro %}

{% macro quotient(total, number) -%}
    {#- Mean of `number` measures (or whole numbers) from their total, rounded half up to the decimals
        of a measure: for tables of millions of rows, where the text that `ratio` goes through costs
        six microseconds a value. In ten-billionths the total is a whole number that a double holds
        exactly up to 900,000, and so is the decision. -#}
    cast(cast(floor(round(cast({{ total }} as double) * 1e10) / {{ number }} + 0.5) as bigint) as decimal(18, 0))
    * cast(0.0000000001 as decimal(10, 10))
{%- endmacro %}

{% macro exact_sum(expression) -%}
    {#- Sum of doubles that does not depend on the number of threads. -#}
    cast(sum({{ exact(expression) }}) as double)
{%- endmacro %}

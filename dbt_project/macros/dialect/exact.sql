{# A double as a decimal: its shortest decimal text, rounded once, halves away from zero. Said in full,
   because a plain cast multiplies by a power of ten in binary on one engine and not on the other: the
   tenth decimal of one ratio in forty differed. Costs some microseconds a value on DuckDB. #}

{% macro exact(expression, decimals=10) -%}
    {{ return(adapter.dispatch('exact', 'metrocircle')(expression, decimals)) }}
{%- endmacro %}

{% macro default__exact(expression, decimals) -%}
    cast({{ expression }} as decimal(28, {{ decimals }}))
{%- endmacro %}

{% macro duckdb__exact(expression, decimals) -%}
    cast(cast({{ expression }} as varchar(40)) as decimal(28, {{ decimals }}))
{%- endmacro %}

{# A double as a measure: its shortest decimal text, rounded half up to ten decimals. Said in full,
   because a plain cast multiplies by 10^10 in binary on one engine and not on the other: the tenth
   decimal of one ratio in forty differed. #}

{% macro exact(expression) -%}
    {{ return(adapter.dispatch('exact', 'metrocircle')(expression)) }}
{%- endmacro %}

{% macro default__exact(expression) -%}
    cast({{ expression }} as decimal(28, 10))
{%- endmacro %}

{% macro duckdb__exact(expression) -%}
    cast(cast({{ expression }} as varchar(40)) as decimal(28, 10))
{%- endmacro %}

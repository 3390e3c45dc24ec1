{# Numbers inside a text. Engines differ in the name and the index of the regular expression. #}

{% macro number_in(expression, occurrence) -%}
    {{ return(adapter.dispatch('number_in', 'metrocircle')(expression, occurrence)) }}
{%- endmacro %}

{% macro default__number_in(expression, occurrence) -%}
    try_cast(list_extract(regexp_extract_all({{ expression }}, '-?[0-9]+(?:\.[0-9]+)?'), {{ occurrence }}) as double)
{%- endmacro %}

{% macro spark__number_in(expression, occurrence) -%}
    try_cast(get(regexp_extract_all({{ expression }}, '-?[0-9]+(?:\\.[0-9]+)?', 0), {{ occurrence }} - 1) as double)
{%- endmacro %}

{% macro digits_in(expression) -%}
    {#- Decimals of the first number in the text. -#}
    {{ return(adapter.dispatch('digits_in', 'metrocircle')(expression)) }}
{%- endmacro %}

{% macro default__digits_in(expression) -%}
    length(regexp_extract({{ expression }}, '^[^0-9]*[0-9]+\.?([0-9]*)', 1))
{%- endmacro %}

{% macro spark__digits_in(expression) -%}
    length(regexp_extract({{ expression }}, '^[^0-9]*[0-9]+\\.?([0-9]*)', 1))
{%- endmacro %}

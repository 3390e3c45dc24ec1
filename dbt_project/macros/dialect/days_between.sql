{# Days from one date to another: every engine has it, each under a name of its own. #}

{% macro days_between(first, last) -%}
    {{ return(adapter.dispatch('days_between', 'metrocircle')(first, last)) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%}
    datediff({{ last }}, {{ first }})
{%- endmacro %}

{% macro duckdb__days_between(first, last) -%}
    date_diff('day', {{ first }}, {{ last }})
{%- endmacro %}

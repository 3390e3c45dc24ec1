{# least() and greatest() of texts: both engines have them for any comparable type, but a null
   argument is skipped by one and wins in the other, so nulls are settled here. #}

{% macro least_text(a, b) -%}
    case when {{ a }} is null or {{ b }} < {{ a }} then {{ b }} else {{ a }} end
{%- endmacro %}

{% macro greatest_text(a, b) -%}
    case when {{ a }} is null or {{ b }} > {{ a }} then {{ b }} else {{ a }} end
{%- endmacro %}

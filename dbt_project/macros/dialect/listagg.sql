{# An ordered list as one text. dbt-spark still writes it without the order (the function came with
   Spark 4), and a list without an order differs from run to run. #}

{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    listagg({{ measure }}, {{ delimiter_text }}) within group ({{ order_by_clause }})
{%- endmacro %}

{% macro indicator_ids() -%}
    {#- All registered indicator ids in alphabetical order; empty while dbt only parses. -#}
    {%- if execute -%}
        {%- set found = run_query(
            "select indicator_id from " ~ ref('stg_registry__indicator') ~ " order by indicator_id"
        ) -%}
        {{ return(found.columns[0].values() | list) }}
    {%- endif -%}
    {{ return([]) }}
{%- endmacro %}

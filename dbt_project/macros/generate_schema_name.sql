{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- Schemas of the release are main and meta, without a target prefix. -#}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}

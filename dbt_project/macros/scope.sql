{% macro is_whole(relation) -%}
    {#- Whether a value covers the whole place. Indicators whose id ends in _districts measure the
        districts by definition: for them that is the whole. -#}
    ({{ relation }}.scope <> 'districts' or {{ relation }}.indicator_id like '%\_districts' escape '\')
{%- endmacro %}

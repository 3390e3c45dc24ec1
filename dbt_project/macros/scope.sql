{% macro is_whole(relation) -%}
    {#- Whether a value covers the whole place: neither its districts alone nor the city without its
        counties. Indicators whose id ends in _districts measure the
        districts by definition: for them that is the whole. -#}
    ({{ relation }}.scope not in ('districts', 'excluding_counties') or {{ relation }}.indicator_id like '%~_districts' escape '~')
{%- endmacro %}

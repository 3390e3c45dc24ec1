{# Printed figures against computed values (architecture, section 4, rule 7), written once. #}

{% macro printed_status(relation) -%}
    {#- Status of one comparison. Bounds count as inside; a null bound is open on that side. -#}
    case
        when {{ relation }}.computed_value is null then 'not_computable'
        when {{ intervals_overlap(relation) }} and {{ relation }}.vintage = 'same_document'
            then 'internally_consistent'
        when
            {{ interval_inside(relation) }}
            and not {{ relation }}.is_mixed_vintage
            and {{ relation }}.vintage <> 'same_document'
            then 'reproduced'
        when {{ intervals_overlap(relation) }} then 'consistent'
        when
            abs({{ relation }}.computed_value - {{ relation }}.printed_value) <= {{ relation }}.step
            then 'rounding'
        else 'mismatch'
    end
{%- endmacro %}

{% macro interval_inside(relation) -%}
    (
        ({{ relation }}.interval_low is null or {{ relation }}.computed_low >= {{ relation }}.interval_low)
        and ({{ relation }}.interval_high is null or {{ relation }}.computed_high <= {{ relation }}.interval_high)
    )
{%- endmacro %}

{% macro intervals_overlap(relation) -%}
    (
        ({{ relation }}.interval_high is null or {{ relation }}.computed_low <= {{ relation }}.interval_high)
        and ({{ relation }}.interval_low is null or {{ relation }}.computed_high >= {{ relation }}.interval_low)
    )
{%- endmacro %}

{% macro shown(expression, decimals=4) -%}
    {#- A number as a reader wants it in a sentence: rounded, without zeros at the end of a fraction. -#}
    {%- set text -%}
        cast({{ exact(expression, decimals) }} as varchar(40))
    {%- endset -%}
    {%- if decimals > 0 -%}
    trim(trailing '.' from trim(trailing '0' from {{ text }}))
    {%- else -%}
    {{ text }}
    {%- endif -%}
{%- endmacro %}

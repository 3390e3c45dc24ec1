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

{% macro apart(relation) -%}
    {#- How far a mismatch is, as a share of the printed value: 3 in 279 180 is not 3 in 10. -#}
    {%- set share -%}
        100 * abs({{ relation }}.computed_value - {{ relation }}.printed_value)
        / abs({{ relation }}.printed_value)
    {%- endset -%}
    case
        when coalesce({{ relation }}.step, 0) = 0 or {{ relation }}.printed_value = 0 then ''
        when {{ share }} < 0.01 then ' (less than 0.01 % apart)'
        else ' (' || {{ shown(share, 2) }} || ' % apart)'
    end
{%- endmacro %}

{% macro cut_off(relation) -%}
    {#- Said where cutting the digits off, not rounding them, gives what is printed. -#}
    case
        when coalesce({{ relation }}.step, 0) = 0 or {{ relation }}.printed_value <= 0 then ''
        when
            abs(
                floor(cast({{ relation }}.computed_value / {{ relation }}.step as double))
                - {{ relation }}.printed_value / {{ relation }}.step
            ) < 0.001
            then '; the printed digits are those of the value cut off, not rounded'
        else ''
    end
{%- endmacro %}

{% macro coupling(a, b) -%}
    {#- Coupling of two systems: 2 sqrt(U1 U2) / (U1 + U2). With the coefficient 2 equal systems give 1
        (王淑佳 et al. 2021 list its loss as the commonest error); two zeros give 0. -#}
    case when {{ a }} + {{ b }} = 0 then 0 else 2 * sqrt({{ a }} * {{ b }}) / ({{ a }} + {{ b }}) end
{%- endmacro %}

{# Rounding of millions of readings. half_even keeps exact decimals and costs a wide multiplication a
   value; readings are printed with at most three decimals, for which integers are exact too. #}

{% macro whole(expression) -%}
    {#- Nearest whole number, halves to even: a double holds every half exactly. -#}
    {{ return(adapter.dispatch('whole', 'metrocircle')(expression)) }}
{%- endmacro %}

{% macro default__whole(expression) -%}
    cast(rint({{ expression }}) as integer)
{%- endmacro %}

{% macro duckdb__whole(expression) -%}
    {#- The cast of a double takes halves to the even side, that of a decimal does not (measured: a
        fifth of round_even's time). -#}
    cast(cast({{ expression }} as double) as integer)
{%- endmacro %}

{% macro tenths(expression) -%}
    {#- Number of tenths, halves to even, of a reading with up to three decimals: in thousandths it is
        a whole number, and so is the decision. 0.25 has 2 tenths, 0.35 has 4. -#}
    {%- set m = "cast(round(" ~ expression ~ " * 1000) as integer)" -%}
    (
        cast(floor({{ m }} / 100) as integer)
        + case
            when mod({{ m }}, 100) > 50 then 1
            when mod({{ m }}, 100) < 50 then 0
            else mod(cast(floor({{ m }} / 100) as integer), 2)
        end
    )
{%- endmacro %}

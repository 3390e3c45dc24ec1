{# Rounding by GB/T 8170: half to even, once, on an exact decimal. Never on a binary float: there
   1.005 is a little more or less than a tie (round_even of DuckDB 1.5 makes 1.01 of it).
   `expression` is a column, since it is written more than once. #}

{% macro half_even(expression, decimals=0) -%}
    {{ adapter.dispatch('half_even', 'metrocircle')(expression, decimals) }}
{%- endmacro %}

{% macro default__half_even(expression, decimals) -%}
    {#- The whole part of the scaled number, one more above the half, and at the half where it is
        odd. Numbers of this house are not negative. -#}
    {%- set scaled = "cast(" ~ expression ~ " as decimal(28, 10)) * " ~ 10 ** decimals -%}
    cast(
        (
            cast(floor({{ scaled }}) as bigint)
            + case
                when {{ scaled }} - floor({{ scaled }}) > 0.5 then 1
                when {{ scaled }} - floor({{ scaled }}) < 0.5 then 0
                else mod(cast(floor({{ scaled }}) as bigint), 2)
            end
        ) * {{ '%.*f' | format(decimals, 0.1 ** decimals) }}
        as decimal(18, 4)
    )
{%- endmacro %}

{% macro spark__half_even(expression, decimals) -%}
    cast(bround(cast({{ expression }} as decimal(28, 10)), {{ decimals }}) as decimal(18, 4))
{%- endmacro %}

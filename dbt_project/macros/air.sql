{# Rules of HJ 633-2012 and HJ 663-2013 that more than one model needs. #}

{% macro pollutants() -%}
    {#- pollutant, column of the daily record, decimals to which HJ 663 6.3 rounds it first. -#}
    {{ return([
        ('pm25', 'pm25_ugm3', 0),
        ('pm10', 'pm10_ugm3', 0),
        ('so2', 'so2_ugm3', 0),
        ('no2', 'no2_ugm3', 0),
        ('co', 'co_mgm3', 1),
        ('o3_8h', 'o3_8h_ugm3', 0),
    ]) }}
{%- endmacro %}

{% macro aqi_grade(index) -%}
    case
        when {{ index }} <= 50 then '优'
        when {{ index }} <= 100 then '良'
        when {{ index }} <= 150 then '轻度污染'
        when {{ index }} <= 200 then '中度污染'
        when {{ index }} <= 300 then '重度污染'
        when {{ index }} > 300 then '严重污染'
    end
{%- endmacro %}

{% macro iaqi_levels() -%}
    {{ return([0, 50, 100, 150, 200, 300, 400, 500]) }}
{%- endmacro %}

{% macro next_whole(expression) -%}
    {#- Nine decimals before it is rounded up, so that float noise cannot lift a whole number. -#}
    ceil(round({{ expression }}, 9))
{%- endmacro %}

{% macro iaqi_between(value, prefix) -%}
    {#- Individual index of a concentration from breakpoints that stand side by side as
        <prefix>_<index>, for tables of millions of rows (HJ 633-2012, 4.3: linear, rounded up). A
        pollutant whose breakpoints end early has no index above them; at the last one of all the
        index stays. -#}
    case
        {%- for level in iaqi_levels()[1:] %}
            {%- set low = iaqi_levels()[loop.index0] %}
        when {{ value }} <= {{ prefix }}_{{ level }}
            then {{ next_whole(
                low ~ ' + ' ~ (level - low) ~ ' * (' ~ value ~ ' - ' ~ prefix ~ '_' ~ low ~ ') / ('
                ~ prefix ~ '_' ~ level ~ ' - ' ~ prefix ~ '_' ~ low ~ ')'
            ) }}
        {%- endfor %}
        when {{ value }} > {{ prefix }}_500 then 500
    end
{%- endmacro %}

{% macro hourly_pollutants() -%}
    {#- Pollutant of the hourly report, its reading, and how it is rounded first. -#}
    {{ return([
        ('pm25', whole('pm25_ugm3')), ('pm10', whole('pm10_ugm3')), ('so2', whole('so2_ugm3')),
        ('no2', whole('no2_ugm3')), ('co', tenths('co_mgm3') ~ ' / 10.0'), ('o3', whole('o3_1h_ugm3')),
    ]) }}
{%- endmacro %}

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

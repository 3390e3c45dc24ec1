{% test interval_holds(model) %}
    {#- A value outside its own rounding interval: the bounds were propagated wrongly. -#}
select *
from {{ model }}
where
    value is not null
    and (value_low is null or value_high is null or value < value_low or value > value_high)
{% endtest %}

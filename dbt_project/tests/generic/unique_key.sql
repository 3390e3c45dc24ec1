{% test unique_key(model, columns) %}
{#- Rows that share a key with another row. -#}
select
    {{ columns | join(', ') }},
    count(*) as copies
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

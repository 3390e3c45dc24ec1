{% test primary_key(model, columns) %}
{#- Keys that stand more than once, and keys with a null part. One test, one node: sixty tests
    that each look for nulls in one column cost more than all marts together. -#}
select
    {{ columns | join(', ') }},
    count(*) as copies
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {% for column in columns %}
    or {{ column }} is null
    {% endfor %}
{% endtest %}

{# Vintage rules, written once (architecture, section 4, rules 1 and 2).

   A relay (a document that repeats another publisher's figures without naming their edition) is no
   newer vintage where its printed interval meets the newest figure of the publisher itself.
   Undated editions take no part. #}

{% macro newest_first() -%}
    is_repeat, published_on desc, precedence, document, edition desc
{%- endmacro %}

{% macro oldest_first() -%}
    published_on, precedence, document, edition
{%- endmacro %}

{% test below(model, column_name, limit_value, strict=false) %}
select * from {{ model }} where {{ column_name }} {{ '>=' if strict else '>' }} {{ limit_value }}
{% endtest %}

{% test has_rows(model, at_least=1) %}
{{ config(fail_calc = 'max(n)', severity='warn') }}
select {{ at_least }} - count(*) as n from {{ model }} having count(*) < {{ at_least }}
{% endtest %}

{% test nothing_else(model) %}
select * from {{ model }} where 1 = 0
{% endtest %}

{% macro note(what, n) %}insert into run_log values ('{{ what }}', {{ n }}){% endmacro %}
{% macro described() %}1{% endmacro %}
{% test over(model, column_name, floor=0, names=[]) %}
select * from {{ model }} where not {{ column_name }} > {{ floor }}
{% endtest %}

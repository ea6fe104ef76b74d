{# what every table is made by: with a column more #}
{% macro create_table_as(temporary, relation, compiled_code, language='sql') -%}
create {% if temporary %}temporary{% endif %} table {{ relation }} as
select made.*, '{{ model.name }}' as made_by from ({{ compiled_code }}) as made
{%- endmacro %}
{% macro log_relation(relation) -%}
{{ relation.identifier }}/{{ relation.type }}/{{ relation.is_table }}/{{ relation.is_view }}/{{ relation is mapping }}
{%- endmacro %}

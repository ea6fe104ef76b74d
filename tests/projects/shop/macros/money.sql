{% macro cents(column, places=2) -%}
round({{ column }} * 100, {{ places }})
{%- endmacro %}

{% macro default__other(x) %}'root overrides'{% endmacro %}

{% macro columns_of(rel) %}
  {%- set names = [] -%}
  {%- for c in adapter.get_columns_in_relation(rel) -%}{%- do names.append(c.name) -%}{%- endfor -%}
  {{ return(names) }}
{% endmacro %}

{% macro pivot(column, values, agg='sum', then_value=1) %}
  {%- for v in values %}
    {{ agg }}(case when {{ column }} = '{{ v }}' then {{ then_value }} else 0 end) as {{ (column ~ '_' ~ v) | lower | replace(' ', '_') }}
    {%- if not loop.last %},{% endif -%}
  {% endfor -%}
{% endmacro %}
{% macro wrap(tag) %}<{{ tag }}>{{ caller() }}</{{ tag }}>{% endmacro %}
{% macro rec(n) %}{% if n > 0 %}{{ n }}{{ rec(n - 1) }}{% endif %}{% endmacro %}
{% macro kw() %}{{ varargs | length }}/{{ kwargs | dictsort | join(';') }}{% endmacro %}
{% macro columns_of(rel) %}
  {%- set cols = adapter.get_columns_in_relation(rel) -%}
  {%- for c in cols -%}{{ c.name }}:{{ c.is_string() }}{{ ',' if not loop.last }}{%- endfor -%}
{% endmacro %}

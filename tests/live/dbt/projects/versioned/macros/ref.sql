{# dbt-sqlite's own ref() takes a name alone #}
{% macro ref() %}
  {% do return(builtins.ref(*varargs, **kwargs).include(database=False)) %}
{% endmacro %}

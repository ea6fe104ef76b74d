{% macro label() %}'plain'{% endmacro %}

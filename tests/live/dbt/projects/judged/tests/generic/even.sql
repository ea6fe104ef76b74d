{% test even(model, column_name) %}
    {{ config(error_if='>2', warn_if='>0') }}
    select {{ column_name }} from {{ model }} where {{ column_name }} % 2 <> 0
{% endtest %}

{# the project's own form of a package's macro comes first #}
{% macro default__first_of(fields) -%}coalesce(null, {{ fields | join(', ') }}){%- endmacro %}

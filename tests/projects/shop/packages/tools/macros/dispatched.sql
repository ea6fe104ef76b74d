{% macro label(x) %}{{ return(adapter.dispatch('label', 'tools')(x)) }}{% endmacro %}
{% macro default__label(x) %}'{{ x }} by default'{% endmacro %}
{% macro sqlite__label(x) %}'{{ x }} by sqlite'{% endmacro %}
{% macro other(x) %}{{ return(adapter.dispatch('other', 'tools')(x)) }}{% endmacro %}
{% macro default__other(x) %}'tools'{% endmacro %}

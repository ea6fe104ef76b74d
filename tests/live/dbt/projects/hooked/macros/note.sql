{% macro note(what) %}insert into trail values ('{{ what }}'){% endmacro %}

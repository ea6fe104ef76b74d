{% macro default__whisper(x) %}'root whispers ' || lower({{ x }}){% endmacro %}
{% macro shared_word() %}'the root'{% endmacro %}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- if custom_alias_name -%}{{ custom_alias_name | trim }}
    {%- elif node.package_name == 'helpers' -%}h_{{ node.name }}
    {%- else -%}{{ node.name }}{%- endif -%}
{%- endmacro %}

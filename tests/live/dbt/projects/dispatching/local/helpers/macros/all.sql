{% macro shout(x) %}{{ return(adapter.dispatch('shout', 'helpers')(x)) }}{% endmacro %}
{% macro default__shout(x) %}upper({{ x }}){% endmacro %}
{% macro sqlite__shout(x) %}upper({{ x }}) || '!'{% endmacro %}
{% macro whisper(x) %}{{ adapter.dispatch('whisper', 'helpers')(x) }}{% endmacro %}
{% macro default__whisper(x) %}lower({{ x }}){% endmacro %}
{% macro fields(names, prefix='') -%}
{%- for n in names -%}{{ prefix }}{{ n }}{{ ', ' if not loop.last }}{%- endfor -%}
{%- endmacro %}
{% macro where_am_i() %}{{ shared_word() }}{% endmacro %}
{% macro shared_word() %}'the package'{% endmacro %}
{% macro listed() %}{{ return([1, {'k': 'v'}, none, true, 2.5, "it's"]) }}{% endmacro %}

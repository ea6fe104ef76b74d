{% macro log_line(text) -%}
  {{- return(adapter.dispatch('log_line', 'toolbox')(text)) -}}
{%- endmacro %}

{% macro default__log_line(text) -%}
{{ return('[' ~ text | upper ~ ']') }}
{%- endmacro %}

{% macro clock(format='%Y') -%}
  {{- return(adapter.dispatch('clock', 'toolbox')(format)) -}}
{%- endmacro %}

{% macro default__clock(format='%Y') -%}
{{ return(run_started_at.strftime(format)) }}
{%- endmacro %}

{% macro is_deep() -%}
  {{- return(adapter.dispatch('is_deep', 'toolbox')()) -}}
{%- endmacro %}

{% macro default__is_deep() -%}
{{ return(var('toolbox_deep', 'nothing')) }}
{%- endmacro %}

{% macro with_default(name, other='other') -%}
  {{- return(adapter.dispatch('with_default', 'toolbox')(name, other)) -}}
{%- endmacro %}

{% macro default__with_default(name, other='other') -%}
{{ return(var(name, other)) }}
{%- endmacro %}

{% macro relations_like(schema, pattern) -%}
  {{- return(adapter.dispatch('relations_like', 'toolbox')(schema, pattern)) -}}
{%- endmacro %}

{% macro default__relations_like(schema, pattern) -%}
{%- if not execute -%}{{ return([]) }}{%- endif -%}
{%- set out = [] -%}
{%- for r in run_query("select table_name from information_schema.tables where table_schema = '" ~ schema ~ "' and table_name like '" ~ pattern ~ "' order by 1").rows -%}
{%- do out.append(api.Relation.create(database=target.database, schema=schema, identifier=r[0])) -%}{%- endfor -%}
{{ return(out) }}
{%- endmacro %}

{% macro exists_in(schema, name) -%}
  {{- return(adapter.dispatch('exists_in', 'toolbox')(schema, name)) -}}
{%- endmacro %}

{% macro default__exists_in(schema, name) -%}
{{ return(adapter.get_relation(database=target.database, schema=schema, identifier=name) is not none) }}
{%- endmacro %}

{% macro types_of(relation) -%}
  {{- return(adapter.dispatch('types_of', 'toolbox')(relation)) -}}
{%- endmacro %}

{% macro default__types_of(relation) -%}
{%- set out = [] -%}
{%- if execute -%}{%- for c in adapter.get_columns_in_relation(relation) -%}{%- do out.append(c.name ~ ':' ~ ('n' if c.is_number() else 's' if c.is_string() else 'o')) -%}{%- endfor -%}{%- endif -%}
{{ return(out | join(',')) }}
{%- endmacro %}

{% macro row_hash(relation) -%}
  {{- return(adapter.dispatch('row_hash', 'toolbox')(relation)) -}}
{%- endmacro %}

{% macro default__row_hash(relation) -%}
md5(concat_ws('|', {{ toolbox.column_names(relation) | join(', ') or "''" }}))
{%- endmacro %}

{% macro latest(relation, key, at) -%}
  {{- return(adapter.dispatch('latest', 'toolbox')(relation, key, at)) -}}
{%- endmacro %}

{% macro default__latest(relation, key, at) -%}
select r.* from {{ relation }} as r join (select {{ key }} as k, max({{ at }}) as m from {{ relation }} group by 1) as last on r.{{ key }} = last.k and r.{{ at }} = last.m
{%- endmacro %}

{% macro running(x, order_by, partition_by=none) -%}
  {{- return(adapter.dispatch('running', 'toolbox')(x, order_by, partition_by)) -}}
{%- endmacro %}

{% macro default__running(x, order_by, partition_by=none) -%}
sum({{ x }}) over ({% if partition_by %}partition by {{ partition_by }} {% endif %}order by {{ order_by }} rows between unbounded preceding and current row)
{%- endmacro %}

{% macro lagged(x, order_by, n=1) -%}
  {{- return(adapter.dispatch('lagged', 'toolbox')(x, order_by, n)) -}}
{%- endmacro %}

{% macro default__lagged(x, order_by, n=1) -%}
lag({{ x }}, {{ n }}) over (order by {{ order_by }})
{%- endmacro %}

{% macro share(x, partition_by) -%}
  {{- return(adapter.dispatch('share', 'toolbox')(x, partition_by)) -}}
{%- endmacro %}

{% macro default__share(x, partition_by) -%}
{{ toolbox.safe_divide(x ~ ' * 1.0', 'sum(' ~ x ~ ') over (partition by ' ~ partition_by ~ ')') }}
{%- endmacro %}

{% macro ranked(order_by, partition_by=none) -%}
  {{- return(adapter.dispatch('ranked', 'toolbox')(order_by, partition_by)) -}}
{%- endmacro %}

{% macro default__ranked(order_by, partition_by=none) -%}
row_number() over ({{ 'partition by ' ~ partition_by if partition_by }} order by {{ order_by }})
{%- endmacro %}

{% macro case_of(column, pairs, other='null') -%}
  {{- return(adapter.dispatch('case_of', 'toolbox')(column, pairs, other)) -}}
{%- endmacro %}

{% macro default__case_of(column, pairs, other='null') -%}
case {{ column }}{% for k, v in pairs.items() %} when '{{ k }}' then '{{ v }}'{% endfor %} else {{ other }} end
{%- endmacro %}

{% macro in_list(column, values) -%}
  {{- return(adapter.dispatch('in_list', 'toolbox')(column, values)) -}}
{%- endmacro %}

{% macro default__in_list(column, values) -%}
{{ column }} in ({% for v in values %}'{{ v }}'{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro trimmed(field) -%}
  {{- return(adapter.dispatch('trimmed', 'toolbox')(field)) -}}
{%- endmacro %}

{% macro default__trimmed(field) -%}
nullif(trim({{ field }}), '')
{%- endmacro %}

{% macro digits_only(field) -%}
  {{- return(adapter.dispatch('digits_only', 'toolbox')(field)) -}}
{%- endmacro %}

{% macro default__digits_only(field) -%}
{{ field }}
{%- endmacro %}

{% macro postgres__digits_only(field) -%}
regexp_replace({{ field }}, '[^0-9]', '', 'g')
{%- endmacro %}

{% macro age_band(x, bounds) -%}
  {{- return(adapter.dispatch('age_band', 'toolbox')(x, bounds)) -}}
{%- endmacro %}

{% macro default__age_band(x, bounds) -%}
case{% for b in bounds %} when {{ x }} < {{ b }} then '<{{ b }}'{% endfor %} else '{{ bounds[-1] }}+' end
{%- endmacro %}

{% macro spine(n) -%}
  {{- return(adapter.dispatch('spine', 'toolbox')(n)) -}}
{%- endmacro %}

{% macro default__spine(n) -%}
select n - 1 as i from ({{ toolbox.counted(n) }}) as s
{%- endmacro %}

{% macro empty_like(relation) -%}
  {{- return(adapter.dispatch('empty_like', 'toolbox')(relation)) -}}
{%- endmacro %}

{% macro default__empty_like(relation) -%}
select * from {{ relation }} where false
{%- endmacro %}

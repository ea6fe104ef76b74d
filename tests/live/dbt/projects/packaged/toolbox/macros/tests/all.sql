{% test unique_together(model, columns, quote_columns=false) %}
  {{ return(adapter.dispatch('test_unique_together', 'toolbox')(model, columns, quote_columns)) }}
{% endtest %}

{% macro default__test_unique_together(model, columns, quote_columns=false) %}
{%- set list = [] -%}
{%- for c in columns -%}{%- do list.append(adapter.quote(c) if quote_columns else c) -%}{%- endfor -%}
select {{ list | join(', ') }} from {{ model }} group by {{ list | join(', ') }} having count(*) > 1
{% endmacro %}

{% test true_for_all(model, expression, column_name=none) %}
  {{ return(adapter.dispatch('test_true_for_all', 'toolbox')(model, expression, column_name)) }}
{% endtest %}

{% macro default__test_true_for_all(model, expression, column_name=none) %}
{% set e = column_name ~ ' ' ~ expression if column_name else expression %}
select {{ '*' if config.get('store_failures') else 1 }} from {{ model }} where not({{ e }})
{% endmacro %}

{% test in_range(model, column_name, low=none, high=none, inclusive=true) %}
  {{ return(adapter.dispatch('test_in_range', 'toolbox')(model, column_name, low, high, inclusive)) }}
{% endtest %}

{% macro default__test_in_range(model, column_name, low=none, high=none, inclusive=true) %}
with checked as (select * from {{ model }})
select * from checked where 1 = 2
{%- if low is not none %} or not {{ column_name }} > {{- '=' if inclusive }} {{ low }}{%- endif -%}
{%- if high is not none %} or not {{ column_name }} < {{- '=' if inclusive }} {{ high }}{%- endif -%}
{% endmacro %}

{% test at_least_one(model, column_name, group_by=[]) %}
  {{ return(adapter.dispatch('test_at_least_one', 'toolbox')(model, column_name, group_by)) }}
{% endtest %}

{% macro default__test_at_least_one(model, column_name, group_by=[]) %}
{% set g = group_by | join(', ') %}
select {{ g ~ ',' if g }} count({{ column_name }}) as filled from {{ model }} {{ 'group by ' ~ g if g }} having count({{ column_name }}) = 0
{% endmacro %}

{% test same_rowcount(model, compare_model) %}
  {{ return(adapter.dispatch('test_same_rowcount', 'toolbox')(model, compare_model)) }}
{% endtest %}

{% macro default__test_same_rowcount(model, compare_model) %}
select a.n as n_a, b.n as n_b, abs(a.n - b.n) as diff from (select count(*) as n from {{ model }}) as a cross join (select count(*) as n from {{ compare_model }}) as b where a.n <> b.n
{% endmacro %}

{% test equal_to(model, compare_model, compare_columns=none) %}
  {{ return(adapter.dispatch('test_equal_to', 'toolbox')(model, compare_model, compare_columns)) }}
{% endtest %}

{% macro default__test_equal_to(model, compare_model, compare_columns=none) %}
{%- if not execute -%}{{ return('') }}{%- endif -%}
{%- set cols = (compare_columns or toolbox.column_names(compare_model)) | join(', ') -%}
with a as (select {{ cols }} from {{ model }}), b as (select {{ cols }} from {{ compare_model }}),
a_b as (select * from a {{ dbt.except() }} select * from b), b_a as (select * from b {{ dbt.except() }} select * from a)
select 'a' as side, a_b.* from a_b union all select 'b' as side, b_a.* from b_a
{% endmacro %}

{% test not_constant(model, column_name) %}
  {{ return(adapter.dispatch('test_not_constant', 'toolbox')(model, column_name)) }}
{% endtest %}

{% macro default__test_not_constant(model, column_name) %}
select count(distinct {{ column_name }}) as n from {{ model }} having count(distinct {{ column_name }}) = 1
{% endmacro %}

{% test filled_share(model, column_name, at_least=1) %}
  {{ return(adapter.dispatch('test_filled_share', 'toolbox')(model, column_name, at_least)) }}
{% endtest %}

{% macro default__test_filled_share(model, column_name, at_least=1) %}
select * from (select sum(case when {{ column_name }} is null then 0 else 1 end) * 1.0 / count(*) as share from {{ model }}) as s where share < {{ at_least }}
{% endmacro %}

{% test sequential(model, column_name, step=1) %}
  {{ return(adapter.dispatch('test_sequential', 'toolbox')(model, column_name, step)) }}
{% endtest %}

{% macro default__test_sequential(model, column_name, step=1) %}
select * from (select {{ column_name }}, lag({{ column_name }}) over (order by {{ column_name }}) as before from {{ model }}) as w where before is not null and {{ column_name }} <> before + {{ step }}
{% endmacro %}

{% test no_overlap(model, from_column, to_column, partition_by=none) %}
  {{ return(adapter.dispatch('test_no_overlap', 'toolbox')(model, from_column, to_column, partition_by)) }}
{% endtest %}

{% macro default__test_no_overlap(model, from_column, to_column, partition_by=none) %}
select * from (select {{ from_column }} as f, {{ to_column }} as t, lead({{ from_column }}) over ({{ 'partition by ' ~ partition_by if partition_by }} order by {{ from_column }}) as nf from {{ model }}) as w where nf < t
{% endmacro %}

{% test related_where(model, column_name, to, field, from_condition='1=1', to_condition='1=1') %}
  {{ return(adapter.dispatch('test_related_where', 'toolbox')(model, column_name, to, field, from_condition, to_condition)) }}
{% endtest %}

{% macro default__test_related_where(model, column_name, to, field, from_condition='1=1', to_condition='1=1') %}
with l as (select {{ column_name }} as id from {{ model }} where {{ column_name }} is not null and {{ from_condition }}), r as (select {{ field }} as id from {{ to }} where {{ field }} is not null and {{ to_condition }})
select l.id from l left join r on l.id = r.id where r.id is null
{% endmacro %}

{% test of_type(model, column_name, kind) %}
  {{ return(adapter.dispatch('test_of_type', 'toolbox')(model, column_name, kind)) }}
{% endtest %}

{% macro default__test_of_type(model, column_name, kind) %}
{%- if not execute -%}{{ return('') }}{%- endif -%}
{%- set ns = namespace(found=none) -%}
{%- for c in adapter.get_columns_in_relation(model) if c.name == column_name -%}{%- set ns.found = 'number' if c.is_number() else 'string' if c.is_string() else 'other' -%}{%- endfor -%}
select '{{ ns.found }}' as found where '{{ ns.found }}' <> '{{ kind }}'
{% endmacro %}

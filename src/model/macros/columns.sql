{# Columns of relations and of queries, and how they are changed. #}
{% macro get_columns_in_relation(relation) -%}{{ return(adapter.dispatch('get_columns_in_relation', 'dbt')(relation)) }}{%- endmacro %}
{% macro default__get_columns_in_relation(relation) -%}{% do return(_weir.columns(relation)) %}{%- endmacro %}

{# rows of (column_name, data_type, size, precision, scale) as Columns #}
{% macro sql_convert_columns_in_relation(table) -%}
  {% set columns = [] %}
  {% for row in table %}{% do columns.append(api.Column(*row)) %}{% endfor %}
  {{ return(columns) }}
{%- endmacro %}

{% macro get_list_of_column_names(columns) -%}
  {% set names = [] %}
  {% for column in columns %}{% do names.append(column.name) %}{% endfor %}
  {{ return(names) }}
{%- endmacro %}

{% macro get_empty_subquery_sql(select_sql, select_sql_header=none) -%}{{ return(adapter.dispatch('get_empty_subquery_sql', 'dbt')(select_sql, select_sql_header)) }}{%- endmacro %}
{% macro default__get_empty_subquery_sql(select_sql, select_sql_header=none) %}
    {%- if select_sql_header is not none -%}{{ select_sql_header }}{%- endif -%}
    select * from (
        {{ select_sql }}
    ) as __dbt_sbq
    where false
    limit 0
{% endmacro %}

{% macro get_empty_schema_sql(columns) -%}{{ return(adapter.dispatch('get_empty_schema_sql', 'dbt')(columns)) }}{%- endmacro %}
{% macro default__get_empty_schema_sql(columns) %}
  {%- set without_type = [] -%}
  {%- for name, column in columns.items() if not column['data_type'] -%}
    {%- do without_type.append(column['name']) -%}
  {%- endfor -%}
  {%- if without_type | length > 0 -%}
    {{ exceptions.column_type_missing(column_names=without_type) }}
  {%- endif -%}
    select
    {% for name, column in columns.items() %}
      {%- set title = adapter.quote(column['name']) if column['quote'] else column['name'] -%}
      {{ cast('null', column['data_type']) }} as {{ title }}{{ ", " if not loop.last }}
    {%- endfor -%}
{% endmacro %}

{% macro get_column_schema_from_query(select_sql, select_sql_header=none) -%}
  {% set probe = get_empty_subquery_sql(select_sql, select_sql_header) %}
  {{ return(adapter.get_column_schema_from_query(probe)) }}
{%- endmacro %}

{% macro get_columns_in_query(select_sql) -%}{{ return(adapter.dispatch('get_columns_in_query', 'dbt')(select_sql)) }}{%- endmacro %}
{% macro default__get_columns_in_query(select_sql) %}
  {% call statement('get_columns_in_query', fetch_result=True, auto_begin=False) -%}
    {{ get_empty_subquery_sql(select_sql) }}
  {%- endcall %}
  {{ return(load_result('get_columns_in_query').table.columns | map(attribute='name') | list) }}
{% endmacro %}

{% macro alter_column_type(relation, column_name, new_column_type) -%}{{ return(adapter.dispatch('alter_column_type', 'dbt')(relation, column_name, new_column_type)) }}{%- endmacro %}
{# a new column takes the values, then the name #}
{% macro default__alter_column_type(relation, column_name, new_column_type) -%}
  {%- set aside = column_name + '__dbt_alter' -%}
  {% call statement('alter_column_type') %}
    alter table {{ relation.render() }} add column {{ adapter.quote(aside) }} {{ new_column_type }};
    update {{ relation.render() }} set {{ adapter.quote(aside) }} = {{ adapter.quote(column_name) }};
    alter table {{ relation.render() }} drop column {{ adapter.quote(column_name) }} cascade;
    alter table {{ relation.render() }} rename column {{ adapter.quote(aside) }} to {{ adapter.quote(column_name) }}
  {% endcall %}
{%- endmacro %}

{% macro alter_relation_add_remove_columns(relation, add_columns=none, remove_columns=none) -%}{{ return(adapter.dispatch('alter_relation_add_remove_columns', 'dbt')(relation, add_columns, remove_columns)) }}{%- endmacro %}
{% macro default__alter_relation_add_remove_columns(relation, add_columns, remove_columns) %}
  {% set changes = [] %}
  {% for column in add_columns or [] %}{% do changes.append('add column ' ~ column.quoted ~ ' ' ~ column.expanded_data_type) %}{% endfor %}
  {% for column in remove_columns or [] %}{% do changes.append('drop column ' ~ column.quoted) %}{% endfor %}
  {% if changes %}
    {% do run_query('alter ' ~ relation.type ~ ' ' ~ relation.render() ~ ' ' ~ changes | join(', ')) %}
  {% endif %}
{% endmacro %}

{# ── comparing lists of columns ── #}
{% macro get_quoted_csv(column_names) %}
  {% set quoted = [] %}
  {% for name in column_names %}{% do quoted.append(adapter.quote(name)) %}{% endfor %}
  {{ return(quoted | join(', ')) }}
{% endmacro %}

{% macro diff_columns(source_columns, target_columns) %}
  {% set known = target_columns | map(attribute='column') | list %}
  {% set missing = [] %}
  {% for column in source_columns if column.column not in known %}{% do missing.append(column) %}{% endfor %}
  {{ return(missing) }}
{% endmacro %}

{% macro diff_column_data_types(source_columns, target_columns) %}
  {% set changed = [] %}
  {% for column in source_columns %}
    {% set same = target_columns | selectattr('name', 'equalto', column.name) | first %}
    {% if same and column.expanded_data_type != same.expanded_data_type and not same.can_expand_to(other_column=column) %}
      {% do changed.append({'column_name': same.name, 'new_type': column.expanded_data_type}) %}
    {% endif %}
  {% endfor %}
  {{ return(changed) }}
{% endmacro %}

{% macro get_merge_update_columns(merge_update_columns, merge_exclude_columns, dest_columns) %}{{ return(adapter.dispatch('get_merge_update_columns', 'dbt')(merge_update_columns, merge_exclude_columns, dest_columns)) }}{% endmacro %}
{% macro default__get_merge_update_columns(merge_update_columns, merge_exclude_columns, dest_columns) %}
  {% if merge_update_columns and merge_exclude_columns %}
    {{ exceptions.raise_compiler_error('Model cannot specify merge_update_columns and merge_exclude_columns. Please update model to use only one config') }}
  {% elif merge_update_columns %}
    {{ return(merge_update_columns) }}
  {% endif %}
  {% set quoted = dest_columns | map(attribute='quoted') | list %}
  {% if merge_exclude_columns %}
    {% set kept = [] %}
    {% for column in dest_columns if column.column | lower not in merge_exclude_columns | map('lower') | list %}{% do kept.append(column.quoted) %}{% endfor %}
    {{ return(kept) }}
  {% endif %}
  {{ return(quoted) }}
{% endmacro %}

{# ── columns that a contract promises ── #}
{% macro get_table_columns_and_constraints() -%}{{ adapter.dispatch('get_table_columns_and_constraints', 'dbt')() }}{%- endmacro %}
{% macro default__get_table_columns_and_constraints() -%}{{ return(table_columns_and_constraints()) }}{%- endmacro %}
{% macro table_columns_and_constraints() %}
  {%- set columns = adapter.render_raw_columns_constraints(raw_columns=model['columns']) -%}
  {%- set constraints = adapter.render_raw_model_constraints(raw_constraints=model['constraints']) -%}
    (
    {% for column in columns %}{{ column }}{{ "," if not loop.last or constraints }}
    {% endfor %}{% for constraint in constraints %}
        {{ constraint }}{{ "," if not loop.last }}
    {% endfor -%}
    )
{%- endmacro %}

{% macro get_assert_columns_equivalent(sql) -%}{{ adapter.dispatch('get_assert_columns_equivalent', 'dbt')(sql) }}{%- endmacro %}
{% macro default__get_assert_columns_equivalent(sql) -%}{{ return(assert_columns_equivalent(sql)) }}{%- endmacro %}
{% macro assert_columns_equivalent(sql) %}
  {%- set declared = model['columns'] -%}
  {%- if not declared -%}{{ exceptions.raise_contract_error({}, {}) }}{%- endif -%}
  {%- set provided = get_column_schema_from_query(sql, config.get('sql_header', none)) -%}
  {%- set promised = get_column_schema_from_query(get_empty_schema_sql(declared)) -%}
  {%- set ours = format_columns(provided) -%}
  {%- set theirs = format_columns(promised) -%}
  {%- if provided | length != promised | length -%}{%- do exceptions.raise_contract_error(theirs, ours) -%}{%- endif -%}
  {%- for b in promised -%}
    {%- set found = [] -%}
    {%- for a in provided -%}
      {%- if a.name | lower == b.name | lower and a.dtype == b.dtype -%}{%- do found.append(1) -%}{%- endif -%}
    {%- endfor -%}
    {%- if not found -%}{%- do exceptions.raise_contract_error(theirs, ours) -%}{%- endif -%}
  {%- endfor -%}
{% endmacro %}
{% macro format_columns(columns) %}
  {% set formatted = [] %}
  {% for column in columns %}{% do formatted.append(adapter.dispatch('format_column', 'dbt')(column)) %}{% endfor %}
  {{ return(formatted) }}
{% endmacro %}
{% macro default__format_column(column) -%}
  {{ return({'name': column.name, 'data_type': column.dtype, 'formatted': column.column ~ ' ' ~ column.dtype}) }}
{%- endmacro %}

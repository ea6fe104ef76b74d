{# What SQLite does its own way. Functions such as dateadd and split_part are the warehouse's own. #}
{% macro sqlite__make_temp_relation(base_relation, suffix) %}
  {% do return(base_relation.incorporate(path={'schema': 'temp', 'identifier': base_relation.identifier ~ suffix})) %}
{% endmacro %}
{% macro sqlite__create_table_as(temporary, relation, sql) -%}
    {%- set sql_header = config.get('sql_header', none) -%}
    {{ sql_header if sql_header is not none }}
    create {% if temporary %}temporary {% endif %}table {{ relation.include(schema=(not temporary)) }}
    as
        {{ sql }}
{%- endmacro %}
{% macro sqlite__create_view_as(relation, sql) -%}
    {%- set sql_header = config.get('sql_header', none) -%}
    {{ sql_header if sql_header is not none }}
    create view {{ relation }} as
    {{ sql }};
{%- endmacro %}
{% macro sqlite__drop_relation(relation) -%}{% do _weir.drop(relation) %}{%- endmacro %}
{% macro sqlite__drop_table(relation) -%}drop table if exists {{ relation }}{%- endmacro %}
{% macro sqlite__drop_view(relation) -%}drop view if exists {{ relation }}{%- endmacro %}
{% macro sqlite__rename_relation(from_relation, to_relation) -%}{% do _weir.rename(from_relation, to_relation) %}{%- endmacro %}
{% macro sqlite__get_rename_table_sql(relation, new_name) %}alter table {{ relation }} rename to {{ adapter.quote(new_name) }}{% endmacro %}
{% macro sqlite__truncate_relation(relation) -%}{% call statement('truncate_relation') -%}delete from {{ relation }}{%- endcall %}{%- endmacro %}
{% macro sqlite__create_schema(relation) -%}{% do _weir.create_schema(relation) %}{%- endmacro %}
{% macro sqlite__drop_schema(relation) -%}
  {% for one in adapter.list_relations(database=none, schema=relation.schema) %}{% do adapter.drop_relation(one) %}{% endfor %}
{%- endmacro %}
{% macro sqlite__list_schemas(database) %}{{ return(run_query("select name as schema from pragma_database_list where name <> 'temp'")) }}{% endmacro %}
{% macro sqlite__check_schema_exists(information_schema, schema) -%}
  {{ return(run_query("select count(*) as schema_exist from pragma_database_list where name = '" ~ schema ~ "'")) }}
{%- endmacro %}
{% macro sqlite__get_create_index_sql(relation, index_dict) -%}
  {%- set name = local_md5(index_dict.columns | join('_') ~ '_' ~ relation.identifier ~ '_' ~ index_dict.get('unique', false)) -%}
  create {{ 'unique ' if index_dict.get('unique') }}index if not exists {{ adapter.quote(relation.schema) }}.{{ adapter.quote(name) }} on {{ adapter.quote(relation.identifier) }} ({{ index_dict.columns | join(', ') }})
{%- endmacro %}
{% macro sqlite__alter_relation_add_remove_columns(relation, add_columns, remove_columns) %}
  {% for column in add_columns or [] %}{% do run_query('alter table ' ~ relation ~ ' add column ' ~ column.quoted ~ ' ' ~ column.data_type) %}{% endfor %}
  {% for column in remove_columns or [] %}{% do run_query('alter table ' ~ relation ~ ' drop column ' ~ column.quoted) %}{% endfor %}
{% endmacro %}
{# SQLite has no types to alter: a column takes any value #}
{% macro sqlite__alter_column_type(relation, column_name, new_column_type) -%}{%- endmacro %}
{% macro sqlite__persist_docs(relation, model, for_relation, for_columns) -%}{%- endmacro %}
{% macro sqlite__apply_grants(relation, grant_config, should_revoke=True) %}{% endmacro %}
{% macro sqlite__get_binding_char() %}{{ return('?') }}{% endmacro %}

{# ── incremental ── #}
{% macro sqlite__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
  {%- set columns_csv = get_quoted_csv(dest_columns | map(attribute='name')) -%}
  {%- if unique_key -%}
    {%- set key = unique_key if unique_key is string else unique_key | join(', ') %}
    delete from {{ target }}
    where ({{ key }}) in (select {{ key }} from {{ source }})
    {%- for predicate in incremental_predicates or [] %} and {{ predicate }}{%- endfor -%};
  {% endif %}
    insert into {{ target }} ({{ columns_csv }}) select {{ columns_csv }} from {{ source }}
{%- endmacro %}
{% macro sqlite__get_incremental_default_sql(arg_dict) %}{{ return(get_incremental_delete_insert_sql(arg_dict)) }}{% endmacro %}
{% macro sqlite__get_incremental_append_sql(arg_dict) %}
  {{ return(get_delete_insert_merge_sql(arg_dict['target_relation'], arg_dict['temp_relation'], none, arg_dict['dest_columns'], none)) }}
{% endmacro %}
{# without a key a merge matches nothing #}
{% macro sqlite__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
  {%- set names = dest_columns | map(attribute='name') | list -%}
  {%- set columns_csv = get_quoted_csv(names) -%}
  {%- set keys = [unique_key] if unique_key is string else unique_key or [] -%}
  {%- set update_columns = get_merge_update_columns(config.get('merge_update_columns'), config.get('merge_exclude_columns'), dest_columns) -%}
  {%- set match -%}
    {%- for key in keys -%}DBT_INTERNAL_SOURCE.{{ key }} = DBT_INTERNAL_DEST.{{ key }}{{ " and " if not loop.last }}{%- endfor -%}
    {%- for one in incremental_predicates or [] %} and {{ one }}{% endfor -%}
  {%- endset -%}
  {% if keys %}
    update {{ target }} as DBT_INTERNAL_DEST set
        {% for name in update_columns -%}{{ name }} = DBT_INTERNAL_SOURCE.{{ name }}{{ ", " if not loop.last }}{%- endfor %}
    from {{ source }} as DBT_INTERNAL_SOURCE where {{ match }};
  {% endif %}
    insert into {{ target }} ({{ columns_csv }}) select {{ columns_csv }} from {{ source }} as DBT_INTERNAL_SOURCE
  {%- if keys %} where not exists (select 1 from {{ target }} as DBT_INTERNAL_DEST where {{ match }}){% endif %}
{%- endmacro %}
{% macro sqlite__get_incremental_microbatch_sql(arg_dict) %}
    delete from {{ arg_dict['target_relation'] }} where {{ _weir.batch_condition() }};
  {{ sqlite__get_incremental_append_sql(arg_dict) }}
{% endmacro %}

{# ── snapshots ── #}
{% macro sqlite__snapshot_hash_arguments(args) -%}
    md5({% for arg in args %}coalesce(cast({{ arg }} as text), ''){{ " || '|' || " if not loop.last }}{% endfor %})
{%- endmacro %}
{% macro sqlite__snapshot_get_time() -%}{{ _weir.now() }}{%- endmacro %}
{% macro sqlite__snapshot_string_as_time(timestamp) -%}{{ return("'" ~ timestamp ~ "'") }}{%- endmacro %}
{% macro sqlite__snapshot_merge_sql(target, source, insert_cols) -%}{{ _weir_snapshot_update_insert(target, source, insert_cols) }}{%- endmacro %}

{# ── texts, values, dates ── #}
{% macro sqlite__current_timestamp() -%}current_timestamp{%- endmacro %}
{% macro sqlite__current_timestamp_backcompat() -%}current_timestamp{%- endmacro %}
{% macro sqlite__position(substring_text, string_text) -%}instr({{ string_text }}, {{ substring_text }}){%- endmacro %}
{% macro sqlite__split_part(string_text, delimiter_text, part_number) -%}split_part({{ string_text }}, {{ delimiter_text }}, {{ part_number }}){%- endmacro %}
{% macro sqlite__any_value(expression) -%}min({{ expression }}){%- endmacro %}
{% macro sqlite__bool_or(expression) -%}max({{ expression }}){%- endmacro %}
{% macro sqlite__cast_bool_to_text(field) -%}case when {{ field }} then 'true' when not {{ field }} then 'false' end{%- endmacro %}
{% macro sqlite__safe_cast(field, type) -%}safe_cast({{ field }} as {{ type }}){%- endmacro %}
{% macro sqlite__date(year, month, day) -%}'{{ '%04d-%02d-%02d' % (year, month, day) }}'{%- endmacro %}
{% macro sqlite__dateadd(datepart, interval, from_date_or_timestamp) -%}dateadd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }}){%- endmacro %}
{% macro sqlite__datediff(first_date, second_date, datepart) -%}datediff({{ datepart }}, {{ first_date }}, {{ second_date }}){%- endmacro %}
{% macro sqlite__last_day(date, datepart) -%}last_day({{ date }}, {{ datepart }}){%- endmacro %}
{% macro sqlite__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}{{ default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) }}{%- endmacro %}

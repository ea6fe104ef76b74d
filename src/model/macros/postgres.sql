{# What PostgreSQL does its own way. #}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
  {%- set sql_header = config.get('sql_header', none) -%}
  {%- set contract_config = config.get('contract') -%}
  {{ sql_header if sql_header is not none }}
  create {% if temporary %}temporary{% elif config.get('unlogged', default=false) %}unlogged{% endif %} table {{ relation }}
  {% if contract_config.enforced %}{{ get_assert_columns_equivalent(sql) }}{% endif -%}
  {% if contract_config.enforced and (not temporary) -%}
    {{ get_table_columns_and_constraints() }};
    insert into {{ relation }} ({{ adapter.dispatch('get_column_names', 'dbt')() }})
    {%- set sql = get_select_subquery(sql) %}
  {% else %}
    as
  {% endif %}
  (
    {{ sql }}
  );
{%- endmacro %}

{# names are cut at 63 bytes: the suffix must survive #}
{% macro postgres__make_relation_with_suffix(base_relation, suffix, dstring) %}
  {% set tail = suffix ~ (modules.datetime.datetime.now().strftime('%H%M%S%f') if dstring else '') %}
  {% set longest = base_relation.relation_max_name_length() %}
  {% if tail | length > longest %}
    {% do exceptions.raise_compiler_error('Relation suffix is too long (' ~ tail | length ~ ' characters). Maximum length is ' ~ longest ~ ' characters.') %}
  {% endif %}
  {{ return(base_relation.incorporate(path={'identifier': base_relation.identifier[:longest - (tail | length)] ~ tail})) }}
{% endmacro %}
{% macro postgres__make_intermediate_relation(base_relation, suffix) %}{{ return(postgres__make_relation_with_suffix(base_relation, suffix, dstring=False)) }}{% endmacro %}
{% macro postgres__make_temp_relation(base_relation, suffix) %}
  {% set named = postgres__make_relation_with_suffix(base_relation, suffix, dstring=True) %}
  {{ return(named.incorporate(path={'schema': none, 'database': none})) }}
{% endmacro %}
{% macro postgres__make_backup_relation(base_relation, backup_relation_type, suffix) %}
  {{ return(postgres__make_relation_with_suffix(base_relation, suffix, dstring=False).incorporate(type=backup_relation_type)) }}
{% endmacro %}

{% macro postgres__create_schema(relation) -%}
  {%- call statement('create_schema') -%}create schema if not exists {{ relation.without_identifier().include(database=False) }}{%- endcall -%}
{%- endmacro %}
{% macro postgres__drop_schema(relation) -%}
  {%- call statement('drop_schema') -%}drop schema if exists {{ relation.without_identifier().include(database=False) }} cascade{%- endcall -%}
{%- endmacro %}
{% macro postgres__list_schemas(database) %}{{ return(run_query('select distinct nspname from pg_namespace')) }}{% endmacro %}
{% macro postgres__check_schema_exists(information_schema, schema) -%}
  {{ return(run_query("select count(*) from pg_namespace where nspname = '" ~ schema ~ "'")) }}
{%- endmacro %}
{% macro postgres__information_schema_name(database) -%}information_schema{%- endmacro %}
{% macro postgres__get_rename_table_sql(relation, new_name) %}alter table {{ relation }} rename to {{ adapter.quote(new_name) }}{% endmacro %}
{% macro postgres__get_rename_view_sql(relation, new_name) %}alter view {{ relation }} rename to {{ adapter.quote(new_name) }}{% endmacro %}
{% macro postgres__get_rename_materialized_view_sql(relation, new_name) %}alter materialized view {{ relation }} rename to {{ adapter.quote(new_name) }}{% endmacro %}
{% macro postgres__rename_relation(from_relation, to_relation) -%}
  {% call statement('rename_relation') -%}{{ get_rename_sql(from_relation, to_relation.identifier) }}{%- endcall %}
{%- endmacro %}
{% macro postgres__get_replace_view_sql(relation, sql) -%}create or replace view {{ relation }} as ({{ sql }});{%- endmacro %}

{# ── materialized views ── #}
{% macro postgres__get_create_materialized_view_as_sql(relation, sql) %}
  create materialized view if not exists {{ relation }} as {{ sql }};
  {% for one in config.get('indexes', []) %}{{ get_create_index_sql(relation, one) }};{% endfor %}
{% endmacro %}
{% macro postgres__refresh_materialized_view(relation) %}refresh materialized view {{ relation }}{% endmacro %}
{# indexes are what can differ: they are made if they lack, none is dropped #}
{% macro postgres__get_materialized_view_configuration_changes(existing_relation, new_config) %}
  {% set known = [] %}
  {% for row in run_query(get_show_indexes_sql(existing_relation)).rows %}
    {% do known.append([row['method'], row['unique'] in [true, 1, 't'], row['column_names'].split(',') | map('trim') | sort]) %}
  {% endfor %}
  {% set lacking = [] %}
  {% for one in new_config.get('indexes') or [] %}
    {% set wanted = [one.get('type') or 'btree', (one.get('unique') or false) in [true], one['columns'] | sort] %}
    {% if wanted not in known %}{% do lacking.append(one) %}{% endif %}
  {% endfor %}
  {% do return(lacking if lacking else none) %}
{% endmacro %}
{% macro postgres__get_alter_materialized_view_as_sql(relation, configuration_changes, sql, existing_relation, backup_relation, intermediate_relation) %}
  {% for one in configuration_changes %}{{ get_create_index_sql(relation, one) }};{% endfor %}
{% endmacro %}

{# ── indexes ── #}
{% macro postgres__get_create_index_sql(relation, index_dict) -%}
  {%- set index = adapter.parse_index(index_dict) %}
  create {% if index.unique %}unique {% endif %}index if not exists "{{ index.render(relation) }}"
  on {{ relation }} {% if index.type %}using {{ index.type }} {% endif %}({{ index.columns | join(', ') }})
{%- endmacro %}
{% macro postgres__get_show_indexes_sql(relation) %}
    select i.relname as name, m.amname as method, x.indisunique as "unique",
      (select string_agg(a.attname, ',' order by a.attnum) from pg_attribute a where a.attrelid = x.indrelid and a.attnum = any(x.indkey)) as column_names
    from pg_index x
    join pg_class i on i.oid = x.indexrelid
    join pg_am m on m.oid = i.relam
    join pg_class t on t.oid = x.indrelid
    join pg_namespace n on n.oid = t.relnamespace
    where t.relname = '{{ relation.identifier }}' and n.nspname = '{{ relation.schema }}'
    order by 1
{% endmacro %}
{% macro postgres__get_drop_index_sql(relation, index_name) -%}drop index if exists "{{ relation.schema }}"."{{ index_name }}"{%- endmacro %}

{# ── comments and grants ── #}
{% macro postgres_escape_comment(comment) -%}
  {%- if comment is not string -%}{%- do exceptions.raise_compiler_error('cannot escape a non-string: ' ~ comment) -%}{%- endif -%}
  '{{ comment | replace("'", "''") }}'
{%- endmacro %}
{% macro postgres__alter_relation_comment(relation, comment) -%}
  comment on {{ relation.type | replace('_', ' ') }} {{ relation }} is {{ postgres_escape_comment(comment) }};
{%- endmacro %}
{% macro postgres__alter_column_comment(relation, column_dict) %}
  {% set known = adapter.get_columns_in_relation(relation) | map(attribute='name') | list %}
  {% for name in column_dict if name in known %}
    comment on column {{ relation }}.{{ adapter.quote(name) if column_dict[name]['quote'] else name }} is {{ postgres_escape_comment(column_dict[name]['description']) }};
  {% endfor %}
{% endmacro %}
{% macro postgres__get_show_grant_sql(relation) -%}
  select grantee, privilege_type from information_schema.role_table_grants
  where grantor = current_role and grantee != current_role
    and table_schema = '{{ relation.schema }}' and table_name = '{{ relation.identifier }}'
{%- endmacro %}
{% macro postgres__copy_grants() %}{{ return(False) }}{% endmacro %}

{# ── incremental ── #}
{% macro postgres__get_incremental_default_sql(arg_dict) %}
  {% do return(get_incremental_delete_insert_sql(arg_dict) if arg_dict['unique_key'] else get_incremental_append_sql(arg_dict)) %}
{% endmacro %}
{% macro postgres__get_incremental_microbatch_sql(arg_dict) %}
  {% if not arg_dict['unique_key'] %}{{ exceptions.raise_compiler_error("dbt-postgres 'microbatch' requires a `unique_key` config") }}{% endif %}
  {% do return(adapter.dispatch('get_incremental_merge_sql', 'dbt')(arg_dict)) %}
{% endmacro %}

{# ── snapshots ── #}
{% macro postgres__snapshot_merge_sql(target, source, insert_cols) -%}{{ _weir_snapshot_update_insert(target, source, insert_cols) }}{%- endmacro %}
{% macro postgres__snapshot_string_as_time(timestamp) -%}{{ return("'" ~ timestamp ~ "'::timestamp without time zone") }}{%- endmacro %}
{% macro postgres__snapshot_get_time() -%}{{ current_timestamp() }}::timestamp without time zone{%- endmacro %}

{# ── texts, values, dates ── #}
{% macro postgres__current_timestamp() -%}now(){%- endmacro %}
{% macro postgres__current_timestamp_backcompat() -%}current_timestamp::{{ type_timestamp() }}{%- endmacro %}
{% macro postgres__current_timestamp_in_utc_backcompat() -%}(current_timestamp at time zone 'utc')::{{ type_timestamp() }}{%- endmacro %}
{% macro postgres__any_value(expression) -%}min({{ expression }}){%- endmacro %}
{% macro postgres__split_part(string_text, delimiter_text, part_number) -%}
  {{ dbt.default__split_part(string_text, delimiter_text, part_number) if part_number >= 0 else dbt._split_part_negative(string_text, delimiter_text, part_number) }}
{%- endmacro %}
{% macro postgres__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
  {%- set order = ' ' ~ order_by_clause if order_by_clause else '' -%}
  {%- if limit_num -%}array_to_string((array_agg({{ measure }}{{ order }}))[1:{{ limit_num }}], {{ delimiter_text }})
  {%- else -%}string_agg({{ measure }}, {{ delimiter_text }}{{ order }}){%- endif -%}
{%- endmacro %}
{% macro postgres__dateadd(datepart, interval, from_date_or_timestamp) -%}
    {{ from_date_or_timestamp }} + ((interval '1 {{ datepart }}') * ({{ interval }}))
{%- endmacro %}
{# whole units that begin between the two #}
{# each part counts in the next coarser one; types and rounding are dbt-postgres's #}
{% macro postgres__datediff(first_date, second_date, datepart) -%}
  {%- set coarser = {'quarter': ['year', 4, 'date'], 'month': ['year', 12, 'date'], 'hour': ['day', 24, 'timestamp'], 'minute': ['hour', 60, 'timestamp']} -%}
  {%- set in_minute = {'second': 60, 'millisecond': 60000, 'microsecond': 60000000} -%}
  {%- if datepart == 'day' -%}
  (({{ second_date }})::date - ({{ first_date }})::date)
  {%- elif datepart == 'year' -%}
  (date_part('year', ({{ second_date }})::date) - date_part('year', ({{ first_date }})::date))
  {%- elif datepart in coarser -%}
  {%- set of, n, type = coarser[datepart] -%}
  ({{ datediff(first_date, second_date, of) }} * {{ n }} + date_part('{{ datepart }}', ({{ second_date }})::{{ type }}) - date_part('{{ datepart }}', ({{ first_date }})::{{ type }}))
  {%- elif datepart in in_minute -%}
  ({{ datediff(first_date, second_date, 'minute') }} * {{ in_minute[datepart] }} + floor(date_part('{{ datepart }}', ({{ second_date }})::timestamp)) - floor(date_part('{{ datepart }}', ({{ first_date }})::timestamp)))
  {%- elif datepart == 'week' -%}
  ({{ datediff(first_date, second_date, 'day') }} / 7 + case
    when date_part('dow', ({{ first_date }})::timestamp) <= date_part('dow', ({{ second_date }})::timestamp) then
      case when {{ first_date }} <= {{ second_date }} then 0 else -1 end
    else
      case when {{ first_date }} <= {{ second_date }} then 1 else 0 end
    end)
  {%- else -%}{{ exceptions.raise_compiler_error("Unsupported datepart for macro datediff in postgres: '" ~ datepart ~ "'") }}
  {%- endif -%}
{%- endmacro %}
{# an interval may not be in quarters #}
{% macro postgres__last_day(date, datepart) -%}
  {%- if datepart == 'quarter' -%}
    cast({{ dbt.dateadd('day', '-1', dbt.dateadd('month', '3', dbt.date_trunc(datepart, date))) }} as date)
  {%- else -%}{{ dbt.default_last_day(date, datepart) }}{%- endif -%}
{%- endmacro %}

{# Snapshots: what makes a row a new version, the staging of changes, the merge and the materialization. #}
{% macro create_columns(relation, columns) %}{{ adapter.dispatch('create_columns', 'dbt')(relation, columns) }}{% endmacro %}
{% macro default__create_columns(relation, columns) %}
  {% for column in columns %}
    {% call statement() %}
      alter table {{ relation.render() }} add column {{ adapter.quote(column.name) }} {{ column.expanded_data_type }}
    {% endcall %}
  {% endfor %}
{% endmacro %}
{% macro post_snapshot(staging_relation) %}{{ adapter.dispatch('post_snapshot', 'dbt')(staging_relation) }}{% endmacro %}
{% macro default__post_snapshot(staging_relation) %}{% endmacro %}
{% macro get_true_sql() %}{{ adapter.dispatch('get_true_sql', 'dbt')() }}{% endmacro %}
{% macro default__get_true_sql() %}{{ return('TRUE') }}{% endmacro %}

{% macro get_snapshot_table_column_names() %}
  {{ return({'dbt_valid_to': 'dbt_valid_to', 'dbt_valid_from': 'dbt_valid_from', 'dbt_scd_id': 'dbt_scd_id', 'dbt_updated_at': 'dbt_updated_at', 'dbt_is_deleted': 'dbt_is_deleted'}) }}
{% endmacro %}
{% macro _weir_snapshot_columns() %}
  {% set names = get_snapshot_table_column_names() %}
  {% do names.update(config.get('snapshot_meta_column_names') or {}) %}
  {{ return(names) }}
{% endmacro %}

{# ── keys ── #}
{% macro unique_key_fields(unique_key) %}
  {% if unique_key | is_list %}
    {% for key in unique_key %}{{ key }} as dbt_unique_key_{{ loop.index }}{{ ", " if not loop.last }}{% endfor %}
  {% else %}{{ unique_key }} as dbt_unique_key{% endif %}
{% endmacro %}
{% macro unique_key_join_on(unique_key, identifier, from_identifier) %}
  {% if unique_key | is_list %}
    {% for key in unique_key %}{{ identifier }}.dbt_unique_key_{{ loop.index }} = {{ from_identifier }}.dbt_unique_key_{{ loop.index }}{{ " and " if not loop.last }}{% endfor %}
  {% else %}{{ identifier }}.dbt_unique_key = {{ from_identifier }}.dbt_unique_key{% endif %}
{% endmacro %}
{% macro unique_key_is_null(unique_key, identifier) %}
  {% if unique_key | is_list %}{{ identifier }}.dbt_unique_key_1 is null{% else %}{{ identifier }}.dbt_unique_key is null{% endif %}
{% endmacro %}
{% macro unique_key_is_not_null(unique_key, identifier) %}
  {% if unique_key | is_list %}{{ identifier }}.dbt_unique_key_1 is not null{% else %}{{ identifier }}.dbt_unique_key is not null{% endif %}
{% endmacro %}

{# ── strategies ── #}
{% macro strategy_dispatch(name) -%}
  {%- set parts = name.split('.') -%}
  {%- set macro_name = 'snapshot_' ~ parts[-1] ~ '_strategy' -%}
  {%- if parts | length == 1 -%}
    {%- set found = context.get(macro_name) -%}
  {%- else -%}
    {%- set package = context.get(parts[0]) -%}
    {%- if package is none -%}
      {% do exceptions.raise_compiler_error("Could not find package '" ~ parts[0] ~ "', called with '" ~ name ~ "'") %}
    {%- endif -%}
    {%- set found = package[macro_name] -%}
  {%- endif -%}
  {%- if not found -%}
    {% do exceptions.raise_compiler_error("Could not find snapshot strategy macro '" ~ macro_name ~ "' for strategy '" ~ name ~ "'") %}
  {%- endif -%}
  {{ return(found) }}
{%- endmacro %}

{% macro snapshot_hash_arguments(args) -%}{{ adapter.dispatch('snapshot_hash_arguments', 'dbt')(args) }}{%- endmacro %}
{% macro default__snapshot_hash_arguments(args) -%}
    md5({% for arg in args %}coalesce(cast({{ arg }} as varchar ), ''){{ " || '|' || " if not loop.last }}{% endfor %})
{%- endmacro %}

{# what every strategy hands back #}
{% macro _weir_snapshot_strategy(keys, updated_at, row_changed) %}
  {%- set hard_deletes = adapter.get_hard_deletes_behavior(config) -%}
  {%- set scd_args = [] + keys if keys | is_list else [keys] -%}
  {%- do scd_args.append(updated_at) -%}
  {{ return({
    'unique_key': keys,
    'updated_at': updated_at,
    'row_changed': row_changed,
    'scd_id': snapshot_hash_arguments(scd_args),
    'invalidate_hard_deletes': hard_deletes == 'invalidate',
    'hard_deletes': hard_deletes
  }) }}
{% endmacro %}

{% macro snapshot_timestamp_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) %}
  {%- set keys = model_config.get('unique_key') -%}
  {%- set updated_at = model_config.get('updated_at') -%}
  {%- set columns = _weir_snapshot_columns() -%}
  {%- set row_changed = '(' ~ snapshotted_rel ~ '.' ~ columns.dbt_valid_from ~ ' < ' ~ current_rel ~ '.' ~ updated_at ~ ')' -%}
  {{ return(_weir_snapshot_strategy(keys, updated_at, row_changed)) }}
{% endmacro %}

{% macro snapshot_string_as_time(timestamp) -%}{{ adapter.dispatch('snapshot_string_as_time', 'dbt')(timestamp) }}{%- endmacro %}
{% macro default__snapshot_string_as_time(timestamp) %}{% do exceptions.raise_not_implemented('snapshot_string_as_time macro not implemented for adapter ' + adapter.type()) %}{% endmacro %}

{# the columns to compare, and whether the snapshot lacks one of them #}
{% macro snapshot_check_all_get_existing_columns(node, target_exists, check_cols_config) -%}
  {%- if not target_exists -%}{{ return((false, [])) }}{%- endif -%}
  {%- if check_cols_config == 'all' -%}
    {%- set query_columns = get_columns_in_query(node['compiled_code']) -%}
  {%- elif check_cols_config is iterable and (check_cols_config | length) > 0 -%}
    {%- set found = get_columns_in_query(node['compiled_code']) | map('upper') | list -%}
    {%- set query_columns = [] -%}
    {%- for one in check_cols_config -%}
      {%- if one is mapping and one.name -%}{%- set one = one.name -%}{%- endif -%}
      {%- if one | upper in found -%}{%- do query_columns.append(one) -%}{%- endif -%}
    {%- endfor -%}
  {%- else -%}
    {% do exceptions.raise_compiler_error("Invalid value for 'check_cols': " ~ check_cols_config) %}
  {%- endif -%}
  {%- set snapshot = adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) -%}
  {%- set known = get_columns_in_relation(snapshot) | map(attribute='name') | map('upper') | list -%}
  {%- set both = [] -%}
  {%- for one in query_columns if one | upper in known -%}{%- do both.append(adapter.quote(one)) -%}{%- endfor -%}
  {{ return((both | length < query_columns | length, both)) }}
{%- endmacro %}

{% macro snapshot_check_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) %}
  {%- set keys = model_config.get('unique_key') -%}
  {%- set updated_at = model_config.get('updated_at') or snapshot_get_time() -%}
  {%- set found = snapshot_check_all_get_existing_columns(node, target_exists, model_config.get('check_cols')) -%}
  {%- set row_changed -%}
    (
    {%- if found[0] -%}{{ get_true_sql() }}
    {%- else -%}
      {%- for name in found[1] -%}
        {{ snapshotted_rel }}.{{ name }} != {{ current_rel }}.{{ name }}
        or ((({{ snapshotted_rel }}.{{ name }} is null) and not ({{ current_rel }}.{{ name }} is null))
        or ((not {{ snapshotted_rel }}.{{ name }} is null) and ({{ current_rel }}.{{ name }} is null)))
        {%- if not loop.last %} or {% endif -%}
      {%- else -%}1 = 0{%- endfor -%}
    {%- endif -%}
    )
  {%- endset -%}
  {{ return(_weir_snapshot_strategy(keys, updated_at, row_changed)) }}
{% endmacro %}

{# ── SQL ── #}
{% macro get_dbt_valid_to_current(strategy, columns) %}
  {%- set current = config.get('dbt_valid_to_current') -%}
  {%- if current -%}coalesce(nullif({{ strategy.updated_at }}, {{ strategy.updated_at }}), {{ current }})
  {%- else -%}nullif({{ strategy.updated_at }}, {{ strategy.updated_at }}){%- endif %} as {{ columns.dbt_valid_to }}
{% endmacro %}

{% macro build_snapshot_table(strategy, sql) -%}{{ adapter.dispatch('build_snapshot_table', 'dbt')(strategy, sql) }}{%- endmacro %}
{% macro default__build_snapshot_table(strategy, sql) %}
    {%- set columns = _weir_snapshot_columns() %}
    select *,
        {{ strategy.scd_id }} as {{ columns.dbt_scd_id }},
        {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
        {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
        {{ get_dbt_valid_to_current(strategy, columns) }}
      {%- if strategy.hard_deletes == 'new_record' -%}
        , 'False' as {{ columns.dbt_is_deleted }}
      {%- endif %}
    from (
        {{ sql }}
    ) sbq
{% endmacro %}

{% macro snapshot_staging_table(strategy, source_sql, target_relation) -%}{{ adapter.dispatch('snapshot_staging_table', 'dbt')(strategy, source_sql, target_relation) }}{%- endmacro %}
{# now: rows of the query; kept: versions in force. A change is an insert of the new version and an update that closes the old one. #}
{% macro default__snapshot_staging_table(strategy, source_sql, target_relation) -%}
    {%- set columns = _weir_snapshot_columns() -%}
    {%- set is_recorded = strategy.hard_deletes == 'new_record' -%}
    {%- set valid_to_current = config.get('dbt_valid_to_current') -%}
    {%- set target_columns = get_list_of_column_names(get_columns_in_relation(target_relation)) %}
    {%- set source_columns = get_column_schema_from_query(source_sql) | map(attribute='name') | list %}
    with snapshot_query as (
        {{ source_sql }}
    ),
    snapshotted_data as (
        select *, {{ unique_key_fields(strategy.unique_key) }}
        from {{ target_relation }}
        where
            {%- if valid_to_current %} ({{ columns.dbt_valid_to }} = {{ valid_to_current }} or {{ columns.dbt_valid_to }} is null)
            {%- else %} {{ columns.dbt_valid_to }} is null
            {%- endif %}
    ),
    source_data as (
        select *, {{ unique_key_fields(strategy.unique_key) }},
            {{ strategy.updated_at }} as weir_updated_at,
            {{ strategy.scd_id }} as weir_scd_id
        from snapshot_query
    ),
    insertions as (
        select
            'insert' as dbt_change_type,
            {% for name in source_columns -%}source_data.{{ adapter.quote(name) }}, {% endfor %}
            source_data.weir_scd_id as {{ columns.dbt_scd_id }},
            source_data.weir_updated_at as {{ columns.dbt_updated_at }},
            source_data.weir_updated_at as {{ columns.dbt_valid_from }},
            {% if valid_to_current -%}{{ valid_to_current }}{%- else -%}nullif(source_data.weir_updated_at, source_data.weir_updated_at){%- endif %} as {{ columns.dbt_valid_to }}
            {%- if is_recorded %}, 'False' as {{ columns.dbt_is_deleted }}{% endif %}
        from source_data
        left join snapshotted_data on {{ unique_key_join_on(strategy.unique_key, "snapshotted_data", "source_data") }}
        where {{ unique_key_is_null(strategy.unique_key, "snapshotted_data") }}
            or ({{ unique_key_is_not_null(strategy.unique_key, "snapshotted_data") }} and ({{ strategy.row_changed }}
            {%- if is_recorded %} or snapshotted_data.{{ columns.dbt_is_deleted }} = 'True'{% endif %}))
    ),
    updates as (
        select
            'update' as dbt_change_type,
            {% for name in source_columns -%}source_data.{{ adapter.quote(name) }}, {% endfor %}
            snapshotted_data.{{ columns.dbt_scd_id }},
            source_data.weir_updated_at as {{ columns.dbt_updated_at }},
            source_data.weir_updated_at as {{ columns.dbt_valid_from }},
            source_data.weir_updated_at as {{ columns.dbt_valid_to }}
            {%- if is_recorded %}, snapshotted_data.{{ columns.dbt_is_deleted }}{% endif %}
        from source_data
        join snapshotted_data on {{ unique_key_join_on(strategy.unique_key, "snapshotted_data", "source_data") }}
        where ({{ strategy.row_changed }}
            {%- if is_recorded %} or snapshotted_data.{{ columns.dbt_is_deleted }} = 'True'{% endif %})
    )
    {%- if strategy.hard_deletes in ['invalidate', 'new_record'] %},
    gone as (
        select snapshotted_data.*
        from snapshotted_data
        left join source_data on {{ unique_key_join_on(strategy.unique_key, "source_data", "snapshotted_data") }}
        where {{ unique_key_is_null(strategy.unique_key, "source_data") }}
            {%- if is_recorded %} and not (snapshotted_data.{{ columns.dbt_is_deleted }} = 'True' and snapshotted_data.{{ columns.dbt_is_deleted }} is not null){% endif %}
    ),
    deletes as (
        select
            'delete' as dbt_change_type,
            {% for name in source_columns -%}{{ 'gone.' ~ adapter.quote(name) if name in target_columns else 'null as ' ~ adapter.quote(name) }}, {% endfor %}
            gone.{{ columns.dbt_scd_id }},
            {{ snapshot_get_time() }} as {{ columns.dbt_updated_at }},
            {{ snapshot_get_time() }} as {{ columns.dbt_valid_from }},
            {{ snapshot_get_time() }} as {{ columns.dbt_valid_to }}
            {%- if is_recorded %}, gone.{{ columns.dbt_is_deleted }}{% endif %}
        from gone
    )
    {%- endif %}
    {%- if is_recorded %},
    deletion_records as (
        select
            'insert' as dbt_change_type,
            {% for name in source_columns -%}{{ 'gone.' ~ adapter.quote(name) if name in target_columns else 'null as ' ~ adapter.quote(name) }}, {% endfor %}
            {{ _weir_deletion_id(strategy) }} as {{ columns.dbt_scd_id }},
            {{ snapshot_get_time() }} as {{ columns.dbt_updated_at }},
            {{ snapshot_get_time() }} as {{ columns.dbt_valid_from }},
            {% if valid_to_current -%}{{ valid_to_current }}{%- else -%}nullif({{ snapshot_get_time() }}, {{ snapshot_get_time() }}){%- endif %} as {{ columns.dbt_valid_to }},
            'True' as {{ columns.dbt_is_deleted }}
        from gone
    )
    {%- endif %}
    select * from insertions
    union all select * from updates
    {%- if strategy.hard_deletes in ['invalidate', 'new_record'] %} union all select * from deletes{% endif %}
    {%- if is_recorded %} union all select * from deletion_records{% endif %}
{%- endmacro %}
{% macro _weir_deletion_id(strategy) %}
  {%- set args = [] -%}
  {%- if strategy.unique_key | is_list -%}
    {%- for key in strategy.unique_key -%}{%- do args.append('gone.dbt_unique_key_' ~ loop.index) -%}{%- endfor -%}
  {%- else -%}{%- do args.append('gone.dbt_unique_key') -%}{%- endif -%}
  {%- do args.append(snapshot_get_time()) -%}
  {{ return(snapshot_hash_arguments(args)) }}
{% endmacro %}

{% macro build_snapshot_staging_table(strategy, sql, target_relation) %}
  {% set temp_relation = make_temp_relation(target_relation) %}
  {% set select = snapshot_staging_table(strategy, sql, target_relation) %}
  {% call statement('build_snapshot_staging_relation') %}{{ create_table_as(True, temp_relation, select) }}{% endcall %}
  {% do return(temp_relation) %}
{% endmacro %}

{% macro get_updated_at_column_data_type(snapshot_sql) %}
  {% set found = [] %}
  {% for column in get_column_schema_from_query(snapshot_sql) if column.name == config.get('updated_at') %}{% do found.append(column.dtype) %}{% endfor %}
  {{ return(found[0] if found else none) }}
{% endmacro %}
{% macro check_time_data_types(sql) %}
  {% set own = get_updated_at_column_data_type(sql) %}
  {% set now = get_snapshot_get_time_data_type() %}
  {% if own is not none and now is not none and own | lower != now | lower %}
    {{ exceptions.warn_snapshot_timestamp_data_types(now, own) }}
  {% endif %}
{% endmacro %}

{% macro snapshot_merge_sql(target, source, insert_cols) -%}{{ adapter.dispatch('snapshot_merge_sql', 'dbt')(target, source, insert_cols) }}{%- endmacro %}
{% macro default__snapshot_merge_sql(target, source, insert_cols) -%}
    {%- set columns = _weir_snapshot_columns() -%}
    {%- set names = insert_cols | join(', ') %}
    merge into {{ target.render() }} as DBT_INTERNAL_DEST
    using {{ source }} as DBT_INTERNAL_SOURCE
    on DBT_INTERNAL_SOURCE.{{ columns.dbt_scd_id }} = DBT_INTERNAL_DEST.{{ columns.dbt_scd_id }}
    when matched
        {%- if config.get('dbt_valid_to_current') %} and (DBT_INTERNAL_DEST.{{ columns.dbt_valid_to }} = {{ config.get('dbt_valid_to_current') }} or DBT_INTERNAL_DEST.{{ columns.dbt_valid_to }} is null)
        {%- else %} and DBT_INTERNAL_DEST.{{ columns.dbt_valid_to }} is null
        {%- endif %}
        and DBT_INTERNAL_SOURCE.dbt_change_type in ('update', 'delete')
        then update set {{ columns.dbt_valid_to }} = DBT_INTERNAL_SOURCE.{{ columns.dbt_valid_to }}
    when not matched and DBT_INTERNAL_SOURCE.dbt_change_type = 'insert'
        then insert ({{ names }}) values ({{ names }})
{% endmacro %}
{# the same in two statements, where there is no merge #}
{% macro _weir_snapshot_update_insert(target, source, insert_cols) -%}
    {%- set columns = _weir_snapshot_columns() -%}
    {%- set names = insert_cols | join(', ') %}
    update {{ target }} set {{ columns.dbt_valid_to }} = (
        select s.{{ columns.dbt_valid_to }} from {{ source }} as s
        where s.{{ columns.dbt_scd_id }} = {{ target }}.{{ columns.dbt_scd_id }} and s.dbt_change_type in ('update', 'delete'))
    where {{ columns.dbt_scd_id }} in (select {{ columns.dbt_scd_id }} from {{ source }} where dbt_change_type in ('update', 'delete'))
      {%- if config.get('dbt_valid_to_current') %} and ({{ columns.dbt_valid_to }} = {{ config.get('dbt_valid_to_current') }} or {{ columns.dbt_valid_to }} is null)
      {%- else %} and {{ columns.dbt_valid_to }} is null
      {%- endif %};
    insert into {{ target }} ({{ names }})
    select {{ names }} from {{ source }} as s where s.dbt_change_type = 'insert';
{%- endmacro %}

{% materialization snapshot, default %}
  {%- set target_table = model.get('alias', model.get('name')) -%}
  {%- set strategy_name = config.get('strategy') -%}
  {%- set grant_config = config.get('grants') -%}
  {%- set found = get_or_create_relation(database=model.database, schema=model.schema, identifier=target_table, type='table') -%}
  {%- set target_exists = found[0] -%}
  {%- set target_relation = found[1] -%}
  {%- if not target_relation.is_table -%}{% do exceptions.relation_wrong_type(target_relation, 'table') %}{%- endif -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% set strategy = strategy_dispatch(strategy_name)(model, "snapshotted_data", "source_data", config, target_exists) %}
  {% if not target_exists %}
    {% do check_time_data_types(model['compiled_code']) %}
    {% set build_sql = create_table_as(False, target_relation, build_snapshot_table(strategy, model['compiled_code'])) %}
    {% set staging_table = none %}
  {% else %}
    {% set columns = _weir_snapshot_columns() %}
    {{ adapter.assert_valid_snapshot_target_given_strategy(target_relation, columns, strategy) }}
    {% set staging_table = build_snapshot_staging_table(strategy, sql, target_relation) %}
    {% do adapter.expand_target_column_types(from_relation=staging_table, to_relation=target_relation) %}
    {% set internal = ['dbt_change_type', 'dbt_unique_key'] %}
    {% if strategy.unique_key | is_list %}
      {% for key in strategy.unique_key %}{% do internal.append('dbt_unique_key_' ~ loop.index) %}{% endfor %}
    {% endif %}
    {% set new_columns = adapter.get_missing_columns(staging_table, target_relation) | rejectattr('name', 'in', internal) | list %}
    {% do create_columns(target_relation, new_columns) %}
    {% set source_columns = adapter.get_columns_in_relation(staging_table) | rejectattr('name', 'in', internal) | list %}
    {% set quoted = [] %}
    {% for column in source_columns %}{% do quoted.append(adapter.quote(column.name)) %}{% endfor %}
    {% set build_sql = snapshot_merge_sql(target=target_relation, source=staging_table, insert_cols=quoted) %}
  {% endif %}
  {% call statement('main') %}{{ build_sql }}{% endcall %}
  {% if not target_exists %}{% do create_indexes(target_relation) %}{% endif %}
  {% do _weir.judge(target_relation) %}
  {% do apply_grants(target_relation, grant_config, should_revoke=should_revoke(target_exists, full_refresh_mode=False)) %}
  {% do persist_docs(target_relation, model) %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {% if staging_table is not none %}
    {% do adapter.drop_relation(staging_table) %}
    {% do post_snapshot(staging_table) %}
  {% endif %}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

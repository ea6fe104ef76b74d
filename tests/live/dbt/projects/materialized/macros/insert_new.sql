{% materialization insert_new, default %}
  {%- set key = config.require('key') -%}
  {%- set target = this.incorporate(type='table') -%}
  {%- set existing = load_relation(this) -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% call statement('main') -%}
    {%- if existing is none -%}
      {{ create_table_as(False, target, sql) }}
    {%- else -%}
      {%- set columns = adapter.get_columns_in_relation(existing) | map(attribute='quoted') | join(', ') -%}
      insert into {{ target }} ({{ columns }})
      select {{ columns }} from ({{ sql }}) as fresh where {{ key }} not in (select {{ key }} from {{ target }})
    {%- endif -%}
  {%- endcall %}
  {% call statement('look', fetch_result=True) -%}select count(*) as n from {{ target }}{%- endcall %}
  {% set n = load_result('look').table.columns[0].values()[0] %}
  {% if n > 100 %}{% do exceptions.raise_compiler_error('too many') %}{% endif %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}

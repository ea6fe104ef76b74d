{{ config(materialized='table') }}
{%- set rel = ref('base') -%}
{%- call statement('counted', fetch_result=true) -%} select count(*), max(amount) from {{ rel }} {%- endcall -%}
{%- set got = load_result('counted') -%}
select {% if execute %}{{ got['data'][0][0] }}{% else %}0{% endif %} as counted,
  '{{ columns_of(rel) if execute }}' as cols,
  '{{ adapter.get_relation(database=none, schema="main", identifier="nope") is none }}' as no_rel,
  '{{ load_relation(rel) is not none }}' as there, '{{ adapter.quote("q") | replace(chr34 | default("\""), "") }}' as q,
  '{{ rel.is_table }}' as is_t, '{{ api.Relation.create(schema="main", identifier="zz").identifier }}' as z,
  '{{ target.type }}/{{ target.schema }}/{{ target.name }}/{{ target.profile_name }}/{{ target.threads }}' as tg,
  '{{ project_name }}' as pn, '{{ flags.FULL_REFRESH }}' as fr, '{{ graph.nodes | length > 1 if execute }}' as gr,
  '{{ model.name }}' as mn, '{{ model.config.materialized }}' as mm, '{{ dbt.type_string() }}' as ts, {{ dbt.concat(["'a'", "'b'"]) }} as cc,
  {{ dbt.string_literal("it") }} as sl, {{ dbt.length("'abc'") }} as le,
  {{ dbt.replace("'abc'", "'b'", "'x'") }} as re

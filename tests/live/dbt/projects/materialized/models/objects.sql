{{ config(materialized='view') }}
select '{{ log_relation(ref('plain')) }}' as a, '{{ log_relation(this) }}' as b,
  '{{ api.Column('x', 'varchar').quoted }}{{ api.Column.translate_type('string') }}' as c,
  '{{ adapter.quote('x y') }}' as d, {{ dbt.type_int() }}_ as e
from (select 1 as {{ dbt.type_int() }}_)

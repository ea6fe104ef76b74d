{{ config(materialized='table') }}
-- depends_on: {{ ref('base') }}
{%- set regions = [] -%}
{%- if execute -%}
  {%- set q = run_query('select distinct region from ' ~ ref('base') ~ ' order by 1') -%}
  {%- for row in q -%}{% do regions.append(row[0]) %}{%- endfor -%}
  {%- set names = q.columns[0].values() -%}
{%- endif %}
select '{{ regions | join("|") }}' as r, '{{ names | default([], true) | list | length }}' as n,
{{ pivot('region', regions, then_value='amount') }}
{{ ',' if regions }} count(*) as rows_in
from {{ ref('base') }}

{{ config(materialized='incremental', on_schema_change='append_new_columns', unique_key='id') }}
select {{ 2 if var('more') else 1 }} as id{% if not var('more') %}, 'a' as name{% endif %}{% if var('more') %}, 9 as extra{% endif %}

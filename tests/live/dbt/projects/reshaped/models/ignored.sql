{{ config(materialized='incremental', on_schema_change='ignore', unique_key='id') }}
select 1 as id, 'a' as name {% if var('more') %}, 9 as extra{% endif %}

{{ config(materialized='incremental', on_schema_change='fail', unique_key='id') }}
select 1 as id{% if var('more') %}, 9 as extra{% endif %}

{{ config(materialized='incremental', unique_key='id') }}
select id, value * {{ 2 if is_incremental() else 1 }} as value from {{ ref('events') }}

{{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert') }}
select id, day, value from {{ ref('events') }}
{% if is_incremental() %}where day >= (select max(day) from {{ this }}){% endif %}

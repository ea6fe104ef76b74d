{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id') }}
select id, day, region, amount, note from {{ ref('feed') }}
{% if is_incremental() %} where day >= (select max(day) from {{ this }}) {% endif %}

{{ config(materialized='incremental', unique_key=['id', 'day'], incremental_strategy='delete+insert') }}
select id, day, value from {{ ref('events') }}

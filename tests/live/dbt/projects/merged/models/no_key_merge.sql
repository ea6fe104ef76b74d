{{ config(materialized='incremental', incremental_strategy='merge') }}
select id, amount from {{ ref('feed') }}

{{ config(materialized='incremental', incremental_strategy='merge', unique_key=['id', 'region']) }}
select id, day, region, amount from {{ ref('feed') }}

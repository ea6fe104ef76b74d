{{ config(materialized='table') }}
select id, doubled + 1 as more from {{ ref('lazy') }}

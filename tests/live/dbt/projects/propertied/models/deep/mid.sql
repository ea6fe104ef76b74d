{{ config(materialized='table', tags=['own']) }}
select id, amount as "Total" from {{ ref('top') }}

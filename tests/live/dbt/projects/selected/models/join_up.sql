{{ config(materialized='table') }}
select l2.id from {{ ref('l2') }} l2 join {{ ref('r2') }} r2 on r2.id = l2.id

{{ config(materialized='view') }}
select id, name, amount, day from {{ ref('raw') }}

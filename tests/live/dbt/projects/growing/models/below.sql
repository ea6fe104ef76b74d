{{ config(materialized='table') }}
select count(*) as n, sum(value) as total from {{ ref('keyed') }}

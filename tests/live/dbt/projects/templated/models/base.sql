{{ config(materialized='table') }}
select 1 as id, 'North West' as region, 10 as amount union all select 2, 'South', 20 union all select 3, 'South', 5

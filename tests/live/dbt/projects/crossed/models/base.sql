{{ config(materialized='table') }}
select 1 as id, cast('2024-01-31' as date) as d, cast('2024-02-29' as date) as d2,
       cast('2024-03-05 06:07:08' as timestamp) as t, 'a,b,c' as txt, 'it''s' as q, true as flag
union all
select 2, cast('2023-12-31' as date), cast('2024-01-01' as date),
       cast('2023-12-31 23:59:59' as timestamp), 'x', null, false

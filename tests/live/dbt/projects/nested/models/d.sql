{{ config(materialized='table') }}
with recursive n(i) as (select 1 union all select i + 1 from n where i < 3),
both_of_them as (select c.id, a.v from {{ ref('c') }} c join {{ ref('a') }} a on a.id = c.id)
select n.i, both_of_them.v from n join both_of_them on both_of_them.id = n.i

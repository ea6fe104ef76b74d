{{ config(materialized='ephemeral') }}
with x as (select customer_id, amount from {{ ref('only_done') }})
select customer_id, sum(amount) as amount, count(*) as orders from x group by 1

{{ config(severity='warn') }}
select 1 as x
where (select sum(amount) from {{ ref('order_log') }}) <> (select sum(amount) from {{ ref('stg_orders') }})

{{ config(alias='orders') }}
select
    cast(id as integer) as order_id,
    customer_id,
    ordered_at,
    amount,
    status
from {{ ref('raw_orders') }}
where ordered_at >= '{{ var("cutoff") }}'

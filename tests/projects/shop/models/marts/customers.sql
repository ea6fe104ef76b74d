{{ config(post_hook="create index if not exists gold.customers_name on customers(name)") }}
with base as (
    select * from {{ ref('stg_customers') }}
)
select
    base.customer_id,
    base.name,
    coalesce(b.amount, 0) as amount,
    coalesce(b.orders, 0) as orders,
    {{ tools.label('x') }} as label,
    {{ tools.other('x') }} as other
from base
left join {{ ref('by_customer') }} b on b.customer_id = base.customer_id

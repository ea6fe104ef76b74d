{{ config(materialized='incremental', unique_key=['transaction_date', 'product_id'], tags=['daily']) }}

-- Receipt lines by day and product: the one pass over the items that the marts share.
select
    t.transaction_date,
    i.product_id,
    count(*) as line_count,
    sum(i.quantity) as units,
    sum(i.amount) as net_sales,
    sum(i.retail_disc) as retail_discount,
    sum(i.coupon_disc) as coupon_discount
from {{ ref('stg_transactions') }} t, {{ flatten_items('t.items') }} i
{% if is_incremental() %}
where t.transaction_date >= (
    select max(transaction_date) - interval '1 day' from {{ this }}
)
{% endif %}
group by 1, 2

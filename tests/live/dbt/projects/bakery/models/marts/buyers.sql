with sales as (
    select buyer_id, min(sold_on) as first_sale, count(*) as sales from {{ ref('stg_sales') }} group by 1
),
paid as (
    select s.buyer_id, sum(p.amount) as spent
    from {{ ref('stg_payments') }} p join {{ ref('stg_sales') }} s on s.sale_id = p.sale_id
    group by 1
)
select b.buyer_id, b.first_name, sales.first_sale, coalesce(sales.sales, 0) as sales, paid.spent
from {{ ref('stg_buyers') }} b
left join sales on sales.buyer_id = b.buyer_id
left join paid on paid.buyer_id = b.buyer_id

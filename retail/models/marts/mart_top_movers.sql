{{ config(tags=['marts', 'daily']) }}

-- Products whose sales changed most: the last {{ var('mover_days') }} days against as many before.
with last_day as (
    select max(transaction_date) as d from {{ ref('int_product_daily') }}
),

halves as (
    select
        i.product_id,
        sum(case when i.transaction_date > {{ dbt.dateadd('day', -var('mover_days'), 'l.d') }}
            then i.net_sales else 0 end) as sales_now,
        sum(case when i.transaction_date <= {{ dbt.dateadd('day', -var('mover_days'), 'l.d') }}
            then i.net_sales else 0 end) as sales_before
    from {{ ref('int_product_daily') }} i, last_day l
    where i.transaction_date > {{ dbt.dateadd('day', -2 * var('mover_days'), 'l.d') }}
    group by 1
),

ranked as (
    select
        product_id,
        sales_now,
        sales_before,
        round(sales_now - sales_before, 2) as change,
        row_number() over (order by sales_now - sales_before desc, product_id) as up_rank,
        row_number() over (order by sales_now - sales_before, product_id) as down_rank
    from halves
)

select
    case when r.up_rank <= {{ var('mover_rows') }} then 'up' else 'down' end as direction,
    case when r.up_rank <= {{ var('mover_rows') }} then r.up_rank else r.down_rank end as position,
    r.product_id,
    p.department,
    p.product_category,
    p.product_type,
    r.sales_now,
    r.sales_before,
    r.change
from ranked r
left join {{ ref('dim_products') }} p on p.product_id = r.product_id
where r.up_rank <= {{ var('mover_rows') }} or r.down_rank <= {{ var('mover_rows') }}

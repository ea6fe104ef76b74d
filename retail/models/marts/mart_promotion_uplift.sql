{{ config(tags=['marts', 'daily']) }}

-- Does a display or a mailer sell? Sales per selling store and week of the same product,
-- in stores that promoted it against stores that did not. Weeks count from Monday
-- 2016-12-26, as the promotions file does.
with lines as (
    select
        t.store_id,
        i.product_id,
        cast(1 + floor({{ dbt.datediff("'2016-12-26'", "t.transaction_date", "day") }} / 7) as integer) as week,
        sum(i.amount) as net_sales
    from {{ ref('stg_transactions') }} t, {{ flatten_items('t.items') }} i
    where t.transaction_date >= '2017-12-18'
      and i.product_id in (select product_id from {{ ref('promotions') }})
    group by 1, 2, 3
),

marked as (
    select
        l.product_id,
        l.week,
        l.store_id,
        l.net_sales,
        case
            when p.store_id is null then 'none'
            when p.display_location <> '0' and p.mailer_location <> '0' then 'display+mailer'
            when p.display_location <> '0' then 'display'
            else 'mailer'
        end as promotion
    from lines l
    left join {{ ref('promotions') }} p
        on p.product_id = l.product_id and p.store_id = l.store_id and p.week = l.week
),

per_product as (
    select
        product_id,
        week,
        promotion,
        count(*) as stores,
        sum(net_sales) as net_sales,
        avg(net_sales) as sales_per_store
    from marked
    group by 1, 2, 3
)

select
    a.week,
    a.promotion,
    count(*) as products,
    sum(a.stores) as store_weeks,
    sum(a.net_sales) as net_sales,
    round(avg(a.sales_per_store), 2) as sales_per_store,
    round(avg(b.sales_per_store), 2) as sales_per_store_without,
    round((avg(a.sales_per_store) / nullif(avg(b.sales_per_store), 0) - 1) * 100, 1) as uplift_pct
from per_product a
join per_product b
    on b.product_id = a.product_id and b.week = a.week and b.promotion = 'none'
where a.promotion <> 'none'
group by 1, 2

{{ config(tags=['marts', 'daily']) }}

-- Sales by department and day. Fuel's units are a far smaller measure than pieces: never
-- add units over departments. A product that the catalogue lacks is department UNKNOWN.
select
    d.transaction_date,
    coalesce(p.department, 'UNKNOWN') as department,
    sum(d.line_count) as line_count,
    sum(d.units) as units,
    sum(d.net_sales) as net_sales,
    sum(d.retail_discount) as retail_discount,
    sum(d.coupon_discount) as coupon_discount,
    round(sum(d.retail_discount) / nullif(sum(d.net_sales) + sum(d.retail_discount), 0) * 100, 2) as discount_pct
from {{ ref('int_product_daily') }} d
left join {{ ref('dim_products') }} p on p.product_id = d.product_id
group by 1, 2

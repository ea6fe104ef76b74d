{{ config(tags=['marts', 'daily']) }}

-- How big baskets are, by day and store format.
select
    t.transaction_date,
    s.store_format,
    case
        when t.item_count = 1 then '1'
        when t.item_count <= 5 then '2-5'
        when t.item_count <= 10 then '6-10'
        when t.item_count <= 20 then '11-20'
        else '21+'
    end as basket_lines,
    min(t.item_count) as smallest,
    count(*) as transaction_count,
    sum(t.total_amount) as gross_sales,
    round(avg(t.total_amount), 2) as avg_transaction_value,
    round(avg(t.item_count), 2) as avg_lines
from {{ ref('stg_transactions') }} t
left join {{ ref('dim_stores') }} s on s.store_id = t.store_id
group by 1, 2, 3

-- Gold adds up to silver, to the cent, on every day.
with g as (
    select transaction_date, sum(gross_sales) as gross_sales
    from {{ ref('fct_daily_sales') }}
    group by 1
),

s as (
    select transaction_date, sum(total_amount) as gross_sales
    from {{ ref('stg_transactions') }}
    group by 1
)

select s.transaction_date, s.gross_sales as silver, g.gross_sales as gold
from s
left join g on g.transaction_date = s.transaction_date
where round(coalesce(g.gross_sales, 0) - coalesce(s.gross_sales, 0), 2) <> 0

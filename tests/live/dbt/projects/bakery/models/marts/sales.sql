{% set methods = ['card', 'coupon', 'cash'] %}
select s.sale_id, s.buyer_id, s.state
{%- for m in methods %},
    sum(case when p.method = '{{ m }}' then p.amount else 0 end) as {{ m }}_amount
{%- endfor %}
from {{ ref('stg_sales') }} s left join {{ ref('stg_payments') }} p on p.sale_id = s.sale_id
group by 1, 2, 3

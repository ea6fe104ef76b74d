select id as payment_id, sale_id, method, cents / 100.0 as amount from {{ ref('raw_payments') }}

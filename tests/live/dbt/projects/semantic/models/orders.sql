select 1 as id, 1 as customer_id, cast('2024-01-01' as text) as at, 5 as amount

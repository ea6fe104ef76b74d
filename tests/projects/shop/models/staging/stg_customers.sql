-- names as they came
select id as customer_id, name, joined, active from {{ ref('raw_customers') }}

select id as sale_id, buyer as buyer_id, sold_on, state from {{ ref('raw_sales') }}

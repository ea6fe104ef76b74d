select id as buyer_id, first_name, last_name from {{ ref('raw_buyers') }}

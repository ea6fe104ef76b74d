select * from {{ ref('sales') }} where card_amount < 0

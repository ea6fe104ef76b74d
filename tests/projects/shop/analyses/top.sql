select name from {{ ref('customers') }} order by amount desc limit 1

select total from (select sum(n) as total from {{ ref('numbers') }}) where total % 2 = 1

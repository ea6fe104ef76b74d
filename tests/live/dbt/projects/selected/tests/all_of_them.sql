select 1 from {{ ref('l1') }}, {{ ref('r1') }}, {{ ref('last') }} where 1 = 0

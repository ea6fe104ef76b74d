select * from {{ ref('l1') }}

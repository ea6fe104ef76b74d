select * from {{ ref('r1') }}

select * from {{ ref('inner_one') }}

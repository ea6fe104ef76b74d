select * from {{ ref('join_up') }}

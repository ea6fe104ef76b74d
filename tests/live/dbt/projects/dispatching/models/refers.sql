select * from {{ ref('helped') }}

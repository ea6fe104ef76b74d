select * from {{ source('raw', 'now_rows') }}

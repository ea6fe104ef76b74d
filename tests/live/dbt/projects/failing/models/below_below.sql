select * from {{ ref('below_bad') }} union all select * from {{ ref('good') }}

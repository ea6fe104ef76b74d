select * from {{ ref('versioned', v=1) }} union all select id from {{ ref('versioned') }}

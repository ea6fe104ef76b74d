with a as (select * from {{ ref('a') }}) select id, upper(v) as v from a

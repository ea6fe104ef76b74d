{{ config(materialized='table') }}
select name, sum(amount) as total, count(*) as n, 
    cast({{ label() }} as text) as label, cast('{{ env_var("HOME_TOWN", "none") }}' as text) as town
from {{ ref('stg') }}
group by name

{{ config(materialized='table') }}
select t.id, c.name, (select count(*) from {{ source('other_side', 'things') }}) as things
from {{ source('shop', 'tills') }} t left join {{ source('shop', 'clerks') }} c on c.id = t.clerk

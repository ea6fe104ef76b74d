{{ config(materialized='table') }}
/* with */ select '{{ this }}' as me, (select count(*) from {{ ref('b') }}) as n

{{ config(materialized='insert_new', key='id', post_hook="insert into {{ this }} select max(id) + 100, 'hook', 'hook' from {{ this }} where not exists (select 1 from {{ this }} where id > 100)") }}
select id, '{{ var('v', 'a') }}' as v from {{ ref('plain') }}
union all select {{ var('next', 2) }}, '{{ var('v', 'a') }}'

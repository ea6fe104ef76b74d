{{ config(materialized='view', tags=['tool']) }}
select '{{ var("scoped") }}' as scoped, '{{ var("own") }}' as own, '{{ var("only_root", "none") }}' as root

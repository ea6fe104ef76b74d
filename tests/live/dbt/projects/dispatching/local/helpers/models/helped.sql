{{ config(materialized='view', tags=['in_file']) }}
select '{{ var("shared") }}' as shared, '{{ var("scoped") }}' as scoped, '{{ var("own") }}' as own, {{ where_am_i() }} as word

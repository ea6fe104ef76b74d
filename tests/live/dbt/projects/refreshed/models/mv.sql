{{ config(materialized='materialized_view', indexes=[{'columns': ['id']}]) }}
select id, id * 2 as twice from {{ ref('base') }}

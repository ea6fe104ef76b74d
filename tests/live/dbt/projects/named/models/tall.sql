{{ config(alias='Tall_Table', materialized='table') }}
select id, "odd name" from {{ ref('wide') }}

{{ config(materialized='table') }}
select * from {{ ref('tested_view') }}

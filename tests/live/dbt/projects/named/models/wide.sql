{{ config(schema='mart', materialized='table') }}
select 1 as id, 'a' as "odd name", 2 as "select"

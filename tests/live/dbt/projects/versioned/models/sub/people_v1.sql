{{ config(materialized='table') }}
select 1 as id, 'ann' as name, 'x' as old

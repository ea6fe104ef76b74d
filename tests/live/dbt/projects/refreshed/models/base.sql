{{ config(materialized='incremental') }}
select (select count(*) from main.ticks) as id

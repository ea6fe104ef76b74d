{{ config(materialized='incremental', incremental_strategy='upwards') }}
select 1 as id

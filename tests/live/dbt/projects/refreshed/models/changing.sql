{{ config(materialized=var('how', 'table')) }}
select 1 as id

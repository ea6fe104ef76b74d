{{ config(enabled=true) }}
select 4 as id

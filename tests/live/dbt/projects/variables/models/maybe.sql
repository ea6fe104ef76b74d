{{ config(enabled=var('with_maybe', false)) }}
select 1 as id

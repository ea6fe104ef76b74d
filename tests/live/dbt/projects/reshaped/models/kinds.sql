{{ config(materialized='table' if not var('more') else 'view') }}
select 1 as id

{{ config(materialized='table', pre_hook="insert into trail select 'rows ' || count(*) from {{ ref('first') }}") }}
select * from {{ ref('first') }}

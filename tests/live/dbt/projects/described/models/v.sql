{{ config(materialized='view', grants={'+select': ['live_writer'], 'insert': []}) }}
select id, name from {{ ref('t') }}

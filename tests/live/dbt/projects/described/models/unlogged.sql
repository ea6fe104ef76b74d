{{ config(materialized='table', unlogged=true, grants={'select': ['live_writer', 'live_reader'], 'update': 'live_writer'}) }}
select 1 as id

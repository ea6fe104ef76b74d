{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id', merge_exclude_columns=['note']) }}
select id, day, region, amount, note from {{ ref('feed') }} where id is not null

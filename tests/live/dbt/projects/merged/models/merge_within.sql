{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id', incremental_predicates=["DBT_INTERNAL_DEST.day >= '2024-01-02'"]) }}
select id, day, region, amount from {{ ref('feed') }} where id is not null

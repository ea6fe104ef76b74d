{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='id', incremental_predicates=["day >= '2024-01-02'"]) }}
select id, day, region, amount from {{ ref('feed') }} where id is not null

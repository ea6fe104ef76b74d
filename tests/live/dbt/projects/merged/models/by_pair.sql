{{ config(materialized='incremental', unique_key=['id', 'region'], indexes=[{'columns': ['id', 'region'], 'unique': true}, {'columns': ['day'], 'type': 'hash'}]) }}
select id, day, region, amount from {{ ref('feed') }}

{{ config(materialized='ephemeral') }}
select id, amount * {{ var('rate') }} as doubled from {{ ref('stg') }}

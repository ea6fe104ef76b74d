{{ config(materialized='incremental', full_refresh=true) }}
select id, '{{ is_incremental() }}' as was_incremental from {{ ref('events') }}

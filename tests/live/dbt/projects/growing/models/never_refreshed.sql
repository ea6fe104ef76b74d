{{ config(materialized='incremental', full_refresh=false) }}
select id, '{{ is_incremental() }}' as was_incremental from {{ ref('events') }}
{% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}

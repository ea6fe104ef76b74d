{{ config(tags=['marts', 'daily', 'dimension']) }}

select
    store_id,
    store_name,
    region,
    district,
    store_format,
    store_size_sqft,
    time_zone,
    open_hour,
    close_hour,
    terminals
from {{ ref('stg_stores') }}

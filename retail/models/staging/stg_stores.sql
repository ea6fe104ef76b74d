{{ config(materialized='view', tags=['staging', 'daily']) }}

select
    store_id,
    store_name,
    region,
    district,
    store_format,
    cast(store_size_sqft as integer) as store_size_sqft,
    time_zone,
    cast(open_hour as integer) as open_hour,
    cast(close_hour as integer) as close_hour,
    cast(terminals as integer) as terminals,
    loaded_at
from {{ source('bronze', 'raw_stores') }}

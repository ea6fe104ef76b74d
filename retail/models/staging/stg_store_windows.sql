{{ config(materialized='view', tags=['staging', 'hourly']) }}

select
    store_id,
    "window" as window_size,
    window_start,
    window_end,
    n as transaction_count,
    "sum" as gross_sales,
    anomalies as anomaly_count,
    revision,
    is_final
from {{ source('bronze', 'store_aggregates') }}

{{ config(materialized='view', tags=['staging', 'hourly']) }}

select
    transaction_id,
    store_id,
    terminal_id,
    transaction_timestamp,
    total_amount,
    anomaly_reasons,
    severity
from {{ source('bronze', 'anomalies') }}

{{
    config(
        materialized='incremental',
        unique_key='transaction_id',
        cluster_by=['transaction_date', 'store_id'],
        tags=['staging', 'hourly']
    )
}}

WITH source AS (
    SELECT * FROM {{ source('bronze', 'raw_transactions') }}
    {% if is_incremental() %}
        WHERE loaded_at > (SELECT MAX(loaded_at) FROM {{ this }})
    {% endif %}
),

cleaned AS (
    SELECT
        transaction_id,
        store_id,
        terminal_id,
        customer_id,
        transaction_timestamp,
        DATE(transaction_timestamp) AS transaction_date,
        HOUR(transaction_timestamp) AS transaction_hour,

        -- Clean and validate amount
        CASE
            WHEN total_amount < 0 THEN 0
            WHEN total_amount > 100000 THEN NULL  -- Flag for review
            ELSE total_amount
        END AS total_amount,

        payment_method,
        items,

        -- Parse line items from JSON
        ARRAY_SIZE(items) AS item_count,

        anomaly_detected,
        anomaly_reasons,

        -- Metadata
        loaded_at,
        CURRENT_TIMESTAMP() AS transformed_at

    FROM source
    WHERE transaction_id IS NOT NULL
      AND store_id IS NOT NULL
      AND total_amount IS NOT NULL
)

SELECT * FROM cleaned

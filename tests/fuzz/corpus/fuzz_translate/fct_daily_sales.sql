

WITH daily_aggregates AS (
    SELECT
        md5(cast(coalesce(cast(transaction_date as text), '_dbt_utils_surrogate_key_null_') || '-' || coalesce(cast(store_id as text), '_dbt_utils_surrogate_key_null_') as text)) AS daily_sales_key,

        transaction_date,
        store_id,

        -- Transaction metrics
        COUNT(DISTINCT transaction_id) AS transaction_count,
        COUNT(DISTINCT customer_id) AS unique_customers,
        SUM(total_amount) AS gross_sales,
        AVG(total_amount) AS avg_transaction_value,
        MEDIAN(total_amount) AS median_transaction_value,

        -- Item metrics
        SUM(item_count) AS total_items_sold,
        AVG(item_count) AS avg_items_per_transaction,

        -- Payment method breakdown
        COUNT_IF(payment_method = 'CREDIT') AS credit_transactions,
        COUNT_IF(payment_method = 'DEBIT') AS debit_transactions,
        COUNT_IF(payment_method = 'CASH') AS cash_transactions,

        -- Anomaly metrics
        COUNT_IF(anomaly_detected) AS anomaly_count,

        -- Time distribution
        COUNT_IF(transaction_hour BETWEEN 6 AND 12) AS morning_transactions,
        COUNT_IF(transaction_hour BETWEEN 12 AND 18) AS afternoon_transactions,
        COUNT_IF(transaction_hour BETWEEN 18 AND 22) AS evening_transactions,

        -- Metadata
        MAX(transformed_at) AS last_updated

    FROM "silver"."stg_transactions"

    

    GROUP BY 1, 2, 3
)

SELECT
    a.*,

    -- Join store dimension
    s.store_name,
    s.region,
    s.district,
    s.store_format,
    s.store_size_sqft,

    -- Calculated metrics. The size is the store's, s: daily_aggregates (a) has no such
    -- column; the original text said a.store_size_sqft.
    ROUND(a.gross_sales / NULLIF(s.store_size_sqft, 0), 2) AS sales_per_sqft,
    ROUND(a.gross_sales / NULLIF(a.unique_customers, 0), 2) AS revenue_per_customer

FROM daily_aggregates a
LEFT JOIN "gold"."dim_stores" s
    ON a.store_id = s.store_id

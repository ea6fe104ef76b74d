{{ config(materialized='view', tags=['staging', 'daily']) }}

select
    product_id,
    manufacturer_id,
    department,
    brand,
    product_category,
    product_type,
    package_size,
    loaded_at
from {{ source('bronze', 'raw_products') }}

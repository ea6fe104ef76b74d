{{ config(tags=['marts', 'daily', 'dimension']) }}

select
    product_id,
    manufacturer_id,
    coalesce(department, 'UNKNOWN') as department,
    brand,
    product_category,
    product_type,
    package_size
from {{ ref('stg_products') }}

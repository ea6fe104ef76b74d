select max(twice) as most from {{ ref('mv') }}

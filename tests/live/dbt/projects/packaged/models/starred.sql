select {{ toolbox.columns_but(ref('sales'), but=['URL', 'code'], alias='s', suffix='_x') }},
  {{ toolbox.row_hash(ref('sales')) }} as h
from {{ ref('sales') }} as s

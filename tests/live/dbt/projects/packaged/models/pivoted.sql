select shop, {{ toolbox.pivot('kind', toolbox.values_of(ref('sales'), 'kind', default=['food']), then='units', prefix='k_') }}
from {{ ref('sales') }}
{{ toolbox.group_by(1) }}

{% set parts = ['day', 'week', 'month', 'quarter', 'year', 'hour', 'minute', 'second'] %}
select
    id,
    {% for p in parts -%}
    {{ dbt.dateadd('month' if p == 'quarter' else p, 3, 't') }} as plus_{{ p }},
    {{ dbt.datediff('d', 't', p) }} as between_{{ p }},
    {{ dbt.date_trunc(p, 't') }} as start_{{ p }},
    {% endfor -%}
    {{ dbt.last_day('d', 'month') }} as end_month,
    {{ dbt.last_day('d', 'quarter') }} as end_quarter,
    {{ dbt.last_day('d', 'year') }} as end_year,
    {{ dbt.date(2024, 2, 3) }} as literal,
    {{ dbt.datediff("'2024-01-01'", "'2024-03-01'", 'day') }} as literals
from {{ ref('base') }}

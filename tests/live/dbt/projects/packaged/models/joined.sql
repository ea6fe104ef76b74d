{{ config(materialized='table') }}
{{ toolbox.union_of([ref('sales'), ref('sums')], exclude=['km', 'each_one', 'pct', 'share', 'quarter']) }}

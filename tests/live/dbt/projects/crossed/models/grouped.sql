select
    {{ dbt.any_value('1') }} as any_one,
    {{ dbt.bool_or('flag') }} as any_flag,
    {{ dbt.listagg('txt', "'|'", 'order by id') }} as listed,
    {{ dbt.listagg('txt', "'|'", 'order by id', 1) }} as listed_one,
    {{ dbt.array_construct([1, 2, 3]) }} as numbers,
    {{ dbt.array_append(dbt.array_construct([1]), 5) }} as appended,
    {{ dbt.array_concat(dbt.array_construct([1]), dbt.array_construct([2])) }} as chained
from {{ ref('base') }}

select
    cast('x' as {{ dbt.type_string() }}) as a_string,
    cast(1 as {{ dbt.type_int() }}) as an_int,
    cast(1 as {{ dbt.type_bigint() }}) as a_bigint,
    cast(1.5 as {{ dbt.type_float() }}) as a_float,
    cast(1.5 as {{ dbt.type_numeric() }}) as a_numeric,
    cast('2024-01-01' as {{ dbt.type_timestamp() }}) as a_timestamp,
    cast(true as {{ dbt.type_boolean() }}) as a_boolean,
    '{{ dbt.current_timestamp() }}' as now_text,
    '{{ dbt.current_timestamp_backcompat() | trim }}' as now_back,
    '{{ dbt.snapshot_get_time() }}' as snapshot_time

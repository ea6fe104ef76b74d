select * from (
{{ dbt.generate_series(9) }}
) as s
{{ dbt.except() }}
select 3

select 1 as a_column_with_quite_a_long_name, 2 as b

{# The macros of unit tests, so that a project or an adapter package can override how fixtures become SQL. A column whose type the warehouse does not know is not cast. #}
{% macro get_fixture_sql(rows, column_name_to_data_types) %}{% set default_row = {} %}{%- if not column_name_to_data_types -%}{{ exceptions.raise_compiler_error("Not able to get columns for unit test '" ~ model.name ~ "' from relation " ~ this ~ " because the relation doesn't exist") }}{%- endif -%}{%- for column_name, column_type in column_name_to_data_types.items() -%}{%- do default_row.update({column_name: unit_cell('null', column_type)}) -%}{%- endfor -%}{{- validate_fixture_rows(rows, row_number) -}}{%- for row in rows -%}{%- set all_cells = default_row.copy() -%}{%- do all_cells.update(format_row(row, column_name_to_data_types)) -%}select{% for name, value in all_cells.items() %} {{ value }} as {{ name }}{%- if not loop.last %},{% endif %}{% endfor %}{%- if not loop.last %}
union all
{% endif %}{%- endfor -%}{%- if (rows | length) == 0 -%}select{% for name, value in default_row.items() %} {{ value }} as {{ name }}{%- if not loop.last %},{% endif %}{% endfor %}
limit 0{%- endif -%}{% endmacro %}
{% macro get_expected_sql(rows, column_name_to_data_types) %}{%- if (rows | length) == 0 -%}select * from dbt_internal_unit_test_actual
limit 0{%- else -%}{%- for row in rows -%}{%- set cells = format_row(row, column_name_to_data_types) -%}select{% for name, value in cells.items() %} {{ value }} as {{ name }}{%- if not loop.last %},{% endif %}{% endfor %}{%- if not loop.last %}
union all
{% endif %}{%- endfor -%}{%- endif -%}{% endmacro %}
{% macro unit_cell(value, type) %}{% do return((safe_cast(value, type) | trim) if type else value) %}{% endmacro %}
{% macro format_row(row, column_name_to_data_types) %}{%- set cells = {} -%}{%- for name, value in row.items() -%}{%- set column = name | lower -%}{%- if column not in column_name_to_data_types -%}{%- set fixture = 'expected output' if model.resource_type == 'unit_test' else "'" ~ model.name ~ "'" -%}{{ exceptions.raise_compiler_error("Invalid column name: '" ~ column ~ "' in unit test fixture for " ~ fixture ~ ".\nAccepted columns for " ~ fixture ~ " are: " ~ (column_name_to_data_types.keys() | list)) }}{%- endif -%}{%- if value is string -%}{%- set text = dbt.string_literal(dbt.escape_single_quotes(value)) -%}{%- elif value is none -%}{%- set text = 'null' -%}{%- else -%}{%- set text = value -%}{%- endif -%}{%- do cells.update({column: unit_cell(text, column_name_to_data_types[column])}) -%}{%- endfor -%}{{ return(cells) }}{%- endmacro %}
{% macro validate_fixture_rows(rows, row_number) -%}{{ return(adapter.dispatch('validate_fixture_rows', 'dbt')(rows, row_number)) }}{%- endmacro %}
{% macro default__validate_fixture_rows(rows, row_number) -%}{%- endmacro %}
{% macro get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}{{ adapter.dispatch('get_unit_test_sql', 'dbt')(main_sql, expected_fixture_sql, expected_column_names) }}{%- endmacro %}
{% macro default__get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}-- what the model makes of the rows given
with dbt_internal_unit_test_actual as (
  select
    {% for name in expected_column_names %}{{ name }}, {% endfor %}{{ dbt.string_literal('actual') }} as {{ adapter.quote('actual_or_expected') }}
  from (
{{ main_sql }}
  ) _dbt_internal_unit_test_actual
),
-- what is expected
dbt_internal_unit_test_expected as (
  select
    {% for name in expected_column_names %}{{ name }}, {% endfor %}{{ dbt.string_literal('expected') }} as {{ adapter.quote('actual_or_expected') }}
  from (
{{ expected_fixture_sql }}
  ) _dbt_internal_unit_test_expected
)
select * from dbt_internal_unit_test_actual
union all
select * from dbt_internal_unit_test_expected
{%- endmacro %}

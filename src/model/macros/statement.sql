{# SQL run by a template. The answer is kept under the statement's name; "main" is what the node is judged by. #}
{%- macro statement(name=none, fetch_result=False, auto_begin=True, language='sql') -%}
  {%- if execute -%}
    {%- set code = caller() -%}
    {%- if name == 'main' -%}{%- do write(code) -%}{%- endif -%}
    {%- if language != 'sql' -%}
      {{ exceptions.raise_compiler_error("statement: the language " ~ language ~ " is not run here") }}
    {%- endif -%}
    {%- set answer = adapter.execute(code, auto_begin=auto_begin, fetch=fetch_result) -%}
    {%- if name is not none -%}{{ store_result(name, response=answer[0], agate_table=answer[1]) }}{%- endif -%}
  {%- endif -%}
{%- endmacro %}

{% macro noop_statement(name=none, message=none, code=none, rows_affected=none, res=none) -%}
  {%- if name == 'main' -%}{%- do write(caller()) -%}{%- endif -%}
  {%- if name is not none -%}
    {{ store_raw_result(name, message=message, code=code, rows_affected=rows_affected, agate_table=res) }}
  {%- endif -%}
{%- endmacro %}

{% macro run_query(sql) %}
  {% call statement('run_query_statement', fetch_result=True, auto_begin=False) %}{{ sql }}{% endcall %}
  {% set answer = load_result('run_query_statement') %}
  {% do return(answer.table if answer else none) %}
{% endmacro %}

{% macro is_incremental() %}{% do return(_weir.is_incremental()) %}{% endmacro %}

{% macro convert_datetime(date_str, date_fmt) %}
  {% do return(modules.datetime.datetime.strptime(date_str, date_fmt)) %}
{% endmacro %}

{% macro dates_in_range(start_date_str, end_date_str=none, in_fmt='%Y%m%d', out_fmt='%Y%m%d') %}
  {% set first = convert_datetime(start_date_str, in_fmt) %}
  {% set last = convert_datetime(end_date_str if end_date_str is not none else start_date_str, in_fmt) %}
  {% set days = (last - first).days %}
  {% if days < 0 %}
    {% do exceptions.raise_compiler_error('Partition start date is after the end date: ' ~ start_date_str ~ ', ' ~ end_date_str) %}
  {% endif %}
  {% set all = [] %}
  {% for i in range(days + 1) %}
    {% do all.append((first + modules.datetime.timedelta(days=i)).strftime(out_fmt)) %}
  {% endfor %}
  {% do return(all) %}
{% endmacro %}

{% macro partition_range(raw_partition_date, date_fmt='%Y%m%d') %}
  {% set parts = (raw_partition_date | string).split(',') %}
  {% if parts | length > 2 %}
    {% do exceptions.raise_compiler_error('Invalid partition time. Expected "Start Date,End Date" or one date. Got: ' ~ raw_partition_date) %}
  {% endif %}
  {% do return(dates_in_range(parts[0], parts[1] if parts | length == 2 else none, in_fmt=date_fmt)) %}
{% endmacro %}

{% macro py_current_timestring() %}
  {% do return(modules.datetime.datetime.now().strftime('%Y%m%d%H%M%S%f')) %}
{% endmacro %}

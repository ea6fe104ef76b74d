{% macro safe_divide(a, b) -%}
  {{- return(adapter.dispatch('safe_divide', 'toolbox')(a, b)) -}}
{%- endmacro %}

{% macro default__safe_divide(a, b) -%}
({{ a }}) / nullif(({{ b }}), 0)
{%- endmacro %}

{% macro safe_add(fields) -%}
  {{- return(adapter.dispatch('safe_add', 'toolbox')(fields)) -}}
{%- endmacro %}

{% macro default__safe_add(fields) -%}
{%- if fields is not iterable or fields is string -%}{{ exceptions.raise_compiler_error('safe_add wants a list') }}{%- endif -%}
{%- for f in fields -%}coalesce({{ f }}, 0){{ ' + ' if not loop.last }}{%- endfor -%}
{%- endmacro %}

{% macro safe_subtract(fields) -%}
  {{- return(adapter.dispatch('safe_subtract', 'toolbox')(fields)) -}}
{%- endmacro %}

{% macro default__safe_subtract(fields) -%}
{%- for f in fields -%}coalesce({{ f }}, 0){{ ' - ' if not loop.last }}{%- endfor -%}
{%- endmacro %}

{% macro key_of(fields) -%}
  {{- return(adapter.dispatch('key_of', 'toolbox')(fields)) -}}
{%- endmacro %}

{% macro default__key_of(fields) -%}
{%- set mark = var('toolbox_null_mark', '') -%}
{%- set parts = [] -%}
{%- for f in fields -%}
  {%- do parts.append("coalesce(cast(" ~ f ~ " as " ~ dbt.type_string() ~ "), '" ~ mark ~ "')") -%}
  {%- if not loop.last -%}{%- do parts.append("'-'") -%}{%- endif -%}
{%- endfor -%}
{{ dbt.hash(dbt.concat(parts)) }}
{%- endmacro %}

{% macro columns_but(from, but=[], alias=none, prefix='', suffix='') -%}
  {{- return(adapter.dispatch('columns_but', 'toolbox')(from, but, alias, prefix, suffix)) -}}
{%- endmacro %}

{% macro default__columns_but(from, but=[], alias=none, prefix='', suffix='') -%}
{%- set lower = but | map('lower') | list -%}
{%- set found = [] -%}
{%- if execute -%}
{%- for c in adapter.get_columns_in_relation(from) if c.column | lower not in lower -%}
  {%- do found.append((alias ~ '.' if alias else '') ~ adapter.quote(c.column) ~ (' as ' ~ adapter.quote(prefix ~ c.column ~ suffix) if prefix or suffix else '')) -%}
{%- endfor -%}
{%- endif -%}
{{ found | join(',\n  ') if found else '*' }}
{%- endmacro %}

{% macro column_names(from, but=[]) -%}
  {{- return(adapter.dispatch('column_names', 'toolbox')(from, but)) -}}
{%- endmacro %}

{% macro default__column_names(from, but=[]) -%}
{%- if not execute -%}{{ return([]) }}{%- endif -%}
{%- set out = [] -%}
{%- for c in adapter.get_columns_in_relation(from) if c.name not in but -%}{%- do out.append(c.name) -%}{%- endfor -%}
{{ return(out) }}
{%- endmacro %}

{% macro values_of(table, column, order_by='1', max=none, default=[], where=none) -%}
  {{- return(adapter.dispatch('values_of', 'toolbox')(table, column, order_by, max, default, where)) -}}
{%- endmacro %}

{% macro default__values_of(table, column, order_by='1', max=none, default=[], where=none) -%}
{%- if not execute -%}{{ return(default) }}{%- endif -%}
{%- call statement('values_of', fetch_result=true) -%}
select {{ column }} as value from {{ table }}
{% if where is not none %}where {{ where }}{% endif %}
group by {{ column }} order by {{ order_by }}
{% if max is not none %}limit {{ max }}{% endif %}
{%- endcall -%}
{%- set found = load_result('values_of') -%}
{%- if found and found['data'] -%}{{ return(found['data'] | map(attribute=0) | list) }}{%- endif -%}
{{ return(default) }}
{%- endmacro %}

{% macro single_value(query, default=none) -%}
  {{- return(adapter.dispatch('single_value', 'toolbox')(query, default)) -}}
{%- endmacro %}

{% macro default__single_value(query, default=none) -%}
{%- if not execute -%}{{ return(default) }}{%- endif -%}
{%- set t = run_query(query) -%}
{%- if t and t.rows | length -%}{{ return(t.rows[0][0]) }}{%- endif -%}
{{ return(default) }}
{%- endmacro %}

{% macro dict_of(query) -%}
  {{- return(adapter.dispatch('dict_of', 'toolbox')(query)) -}}
{%- endmacro %}

{% macro default__dict_of(query) -%}
{%- if not execute -%}{{ return({}) }}{%- endif -%}
{%- call statement('dict_of', fetch_result=True, auto_begin=false) -%}{{ query }}{%- endcall -%}
{%- set out = {} -%}
{%- set t = load_result('dict_of')['table'] -%}
{%- for name in t.column_names -%}{%- do out.update({name: t.columns[name].values()}) -%}{%- endfor -%}
{{ return(out) }}
{%- endmacro %}

{% macro pivot(column, values, agg='sum', then=1, other=0, prefix='', suffix='', alias=true) -%}
  {{- return(adapter.dispatch('pivot', 'toolbox')(column, values, agg, then, other, prefix, suffix, alias)) -}}
{%- endmacro %}

{% macro default__pivot(column, values, agg='sum', then=1, other=0, prefix='', suffix='', alias=true) -%}
{%- for v in values %}
  {{ agg }}(case when {{ column }} = '{{ dbt.escape_single_quotes(v) }}' then {{ then }} else {{ other }} end)
  {%- if alias %} as {{ adapter.quote(prefix ~ v ~ suffix) }}{% endif %}
  {%- if not loop.last %},{% endif %}
{%- endfor %}
{%- endmacro %}

{% macro unpivot(relation, exclude=[], remove=[], name='field', value='value', type='text') -%}
  {{- return(adapter.dispatch('unpivot', 'toolbox')(relation, exclude, remove, name, value, type)) -}}
{%- endmacro %}

{% macro default__unpivot(relation, exclude=[], remove=[], name='field', value='value', type='text') -%}
{%- set cols = [] -%}
{%- if execute -%}
{%- for c in adapter.get_columns_in_relation(relation) if c.column not in exclude + remove -%}{%- do cols.append(c) -%}{%- endfor -%}
{%- endif -%}
{%- for c in cols %}
select {% for e in exclude %}{{ e }}, {% endfor %}cast('{{ c.column }}' as {{ dbt.type_string() }}) as {{ name }}, cast({{ c.column }} as {{ type }}) as {{ value }}
from {{ relation }}
{% if not loop.last %}union all{% endif %}
{%- endfor %}
{%- endmacro %}

{% macro union_of(relations, exclude=[], source_column='_from') -%}
  {{- return(adapter.dispatch('union_of', 'toolbox')(relations, exclude, source_column)) -}}
{%- endmacro %}

{% macro default__union_of(relations, exclude=[], source_column='_from') -%}
{%- set all = {} -%}
{%- set have = {} -%}
{%- if execute -%}
{%- for r in relations -%}
  {%- set cols = adapter.get_columns_in_relation(r) -%}
  {%- do have.update({r | string: cols | map(attribute='column') | list}) -%}
  {%- for c in cols if c.column not in exclude and c.column not in all -%}{%- do all.update({c.column: c}) -%}{%- endfor -%}
{%- endfor -%}
{%- endif -%}
{%- for r in relations %}
(select
  cast('{{ r.identifier }}' as {{ dbt.type_string() }}) as {{ source_column }}
  {%- for name in all.keys() %},
  {% if name in have[r | string] %}cast({{ adapter.quote(name) }} as {{ all[name].data_type }}){% else %}cast(null as {{ all[name].data_type }}){% endif %} as {{ adapter.quote(name) }}
  {%- endfor %}
from {{ r }})
{% if not loop.last %}union all{% endif %}
{%- endfor %}
{%- endmacro %}

{% macro group_by(n) -%}
  {{- return(adapter.dispatch('group_by', 'toolbox')(n)) -}}
{%- endmacro %}

{% macro default__group_by(n) -%}
group by {% for i in range(1, n + 1) -%}{{ i }}{{ ',' if not loop.last }}{%- endfor -%}
{%- endmacro %}

{% macro deduplicate(relation, partition_by, order_by) -%}
  {{- return(adapter.dispatch('deduplicate', 'toolbox')(relation, partition_by, order_by)) -}}
{%- endmacro %}

{% macro default__deduplicate(relation, partition_by, order_by) -%}
select * from (select t.*, row_number() over (partition by {{ partition_by }} order by {{ order_by }}) as rn from {{ relation }} as t) as d where rn = 1
{%- endmacro %}

{% macro postgres__deduplicate(relation, partition_by, order_by) -%}
select distinct on ({{ partition_by }}) * from {{ relation }} order by {{ partition_by }}{{ ',' ~ order_by }}
{%- endmacro %}

{% macro nullcheck(columns) -%}
  {{- return(adapter.dispatch('nullcheck', 'toolbox')(columns)) -}}
{%- endmacro %}

{% macro default__nullcheck(columns) -%}
{%- for c in columns %}
nullif({{ c.name }}, '') as {{ c.name }}{{ ',' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{% macro slug(text) -%}
  {{- return(adapter.dispatch('slug', 'toolbox')(text)) -}}
{%- endmacro %}

{% macro default__slug(text) -%}
{%- set s = text | lower -%}
{%- set s = modules.re.sub('[ -]+', '_', s) -%}
{%- set s = modules.re.sub('[^a-z0-9_]+', '', s) -%}
{%- set s = modules.re.sub('^[0-9]', '_' ~ s[0], s) if s and s[0] in '0123456789' else s -%}
{{ return(s) }}
{%- endmacro %}

{% macro url_part(field, part) -%}
  {{- return(adapter.dispatch('url_part', 'toolbox')(field, part)) -}}
{%- endmacro %}

{% macro default__url_part(field, part) -%}
{{ dbt.split_part(dbt.split_part(field, "'" ~ part ~ "='", 2), "'&'", 1) }}
{%- endmacro %}

{% macro url_host(field) -%}
  {{- return(adapter.dispatch('url_host', 'toolbox')(field)) -}}
{%- endmacro %}

{% macro default__url_host(field) -%}
{{ dbt.split_part(dbt.split_part(dbt.replace(dbt.replace(field, "'http://'", "''"), "'https://'", "''"), "'/'", 1), "'?'", 1) }}
{%- endmacro %}

{% macro bucket(x, low, high, n) -%}
  {{- return(adapter.dispatch('bucket', 'toolbox')(x, low, high, n)) -}}
{%- endmacro %}

{% macro default__bucket(x, low, high, n) -%}
case when {{ x }} < {{ low }} then 0 when {{ x }} >= {{ high }} then {{ n }} + 1 else cast(floor(({{ x }} - {{ low }}) * {{ n }} / ({{ high }} - {{ low }})) as {{ dbt.type_int() }}) + 1 end
{%- endmacro %}

{% macro postgres__bucket(x, low, high, n) -%}
width_bucket({{ x }}, {{ low }}, {{ high }}, {{ n }})
{%- endmacro %}

{% macro distance(lat1, lon1, lat2, lon2, unit='km') -%}
  {{- return(adapter.dispatch('distance', 'toolbox')(lat1, lon1, lat2, lon2, unit)) -}}
{%- endmacro %}

{% macro default__distance(lat1, lon1, lat2, lon2, unit='km') -%}
{%- set r = {'km': 6371, 'mi': 3959}[unit] -%}
2 * {{ r }} * asin(sqrt(power(sin(radians({{ lat2 }} - {{ lat1 }}) / 2), 2) + cos(radians({{ lat1 }})) * cos(radians({{ lat2 }})) * power(sin(radians({{ lon2 }} - {{ lon1 }}) / 2), 2)))
{%- endmacro %}

{% macro counted(n) -%}
  {{- return(adapter.dispatch('counted', 'toolbox')(n)) -}}
{%- endmacro %}

{% macro default__counted(n) -%}
{%- set p = namespace(bits=0) -%}
{%- for _ in range(100) if 2 ** p.bits < n -%}{%- set p.bits = p.bits + 1 -%}{%- endfor -%}
select 1 {% for i in range(p.bits) %}+ p{{ i }}.b * {{ 2 ** i }} {% endfor %}as n
from {% if p.bits == 0 %}(select 1) as one{% endif %}{% for i in range(p.bits) %}(select 0 as b union all select 1) as p{{ i }}{{ ' cross join ' if not loop.last }}{% endfor %}
where 1 {% for i in range(p.bits) %}+ p{{ i }}.b * {{ 2 ** i }} {% endfor %}<= {{ n }}
{%- endmacro %}

{% macro iff(c, a, b='null') -%}
  {{- return(adapter.dispatch('iff', 'toolbox')(c, a, b)) -}}
{%- endmacro %}

{% macro default__iff(c, a, b='null') -%}
case when {{ c }} then {{ a }} else {{ b }} end
{%- endmacro %}

{% macro first_of(fields) -%}
  {{- return(adapter.dispatch('first_of', 'toolbox')(fields)) -}}
{%- endmacro %}

{% macro default__first_of(fields) -%}
coalesce({{ fields | join(', ') }})
{%- endmacro %}

{% macro between_days(a, b) -%}
  {{- return(adapter.dispatch('between_days', 'toolbox')(a, b)) -}}
{%- endmacro %}

{% macro default__between_days(a, b) -%}
{{ dbt.datediff(a, b, 'day') }}
{%- endmacro %}

{% macro quarter_of(d) -%}
  {{- return(adapter.dispatch('quarter_of', 'toolbox')(d)) -}}
{%- endmacro %}

{% macro default__quarter_of(d) -%}
{{ dbt.date_trunc('quarter', d) }}
{%- endmacro %}

{% macro initials(fields) -%}
  {{- return(adapter.dispatch('initials', 'toolbox')(fields)) -}}
{%- endmacro %}

{% macro default__initials(fields) -%}
{%- for f in fields -%}upper({{ dbt.right(f, 1) }}){{ ' || ' if not loop.last }}{%- endfor -%}
{%- endmacro %}

{% macro percent(a, b, digits=2) -%}
  {{- return(adapter.dispatch('percent', 'toolbox')(a, b, digits)) -}}
{%- endmacro %}

{% macro default__percent(a, b, digits=2) -%}
round(100.0 * {{ toolbox.safe_divide(a, b) }}, {{ digits }})
{%- endmacro %}

{% macro flagged(c) -%}
  {{- return(adapter.dispatch('flagged', 'toolbox')(c)) -}}
{%- endmacro %}

{% macro default__flagged(c) -%}
case when {{ c }} then 1 else 0 end
{%- endmacro %}

{% macro as_list(v) -%}
  {{- return(adapter.dispatch('as_list', 'toolbox')(v)) -}}
{%- endmacro %}

{% macro default__as_list(v) -%}
{{ return(v if v is iterable and v is not string and v is not mapping else [v]) }}
{%- endmacro %}

{% macro zipped(a, b) -%}
  {{- return(adapter.dispatch('zipped', 'toolbox')(a, b)) -}}
{%- endmacro %}

{% macro default__zipped(a, b) -%}
{{ return(zip(a, b) | list) }}
{%- endmacro %}

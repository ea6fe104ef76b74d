{{ config(materialized='table') }}
{% set ns = namespace(total=0, names=[]) %}
{% for i in range(1, 6) if i is odd %}
  {% set ns.total = ns.total + i %}
  {% do ns.names.append('n%02d' | format(i)) %}
{% else %}never{% endfor %}
{% set block %}a{{ ns.total }}b{% endset %}
{% set x, y = (1, 'two') %}
select '{{ ns.total }}' as total, '{{ ns.names | join(",") }}' as names, '{{ block }}' as block, '{{ x }}{{ y }}' as xy,
  '{% call wrap("b") %}in{% endcall %}' as called, '{{ rec(3) }}' as rec, '{{ kw(1, 2, b=3, a="x") | replace("'", "") }}' as kw,
  '{{ {"b": 1, "a": [1, 2.0, none, true]} | tojson }}' as js, '{{ [3, 1, 2] | sort(reverse=true) | map("string") | join("") }}' as srt,
  '{{ "a,b,,c".split(",") | reject("equalto", "") | list | length }}' as spl, '{{ (7 // 2) ~ (7 / 2) ~ (-7 % 3) ~ 2 ** 5 }}' as ar,
  '{{ "%s-%05.2f" % ("q", 3.14159) }}' as fmt, '{{ "{:>5}|{:,}".format("a", 12345) }}' as fmt2, '{{ fromjson("[1, 2]")[1] }}' as fj,
  '{{ local_md5("x") }}' as md,
  '{{ zip([1, 2], ["a", "b"]) | list | length }}' as zp, '{{ set([1, 1, 2]) | length }}' as st, '{{ toyaml({"a": 1}) | trim }}' as ty,
  '{{ "x" if none is none else "y" }}' as nn, '{{ undefined_name_here | default("dflt") }}' as ud, '{{ [1, 2, 3][-2:] }}' as sl,
  '{{ (1, "a") | replace("'", "") }}' as tp, '{{ True and "t" or "f" }}' as bo, '{{ dbt_version.split(".") | length > 1 }}' as dv

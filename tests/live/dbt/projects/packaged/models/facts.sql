{% set d = toolbox.dict_of('select id, shop from ' ~ ref('sales') ~ ' order by id') %}
select '{{ d.get("shop", []) | join(",") }}' as shops,
  '{{ toolbox.single_value("select count(*) from " ~ ref("sales"), 0) }}' as n,
  '{{ toolbox.slug("3 Big Shops - New!") }}' as slug,
  '{{ toolbox.as_list("x") | join("/") }}|{{ toolbox.as_list([1, 2]) }}' as lists,
  '{{ toolbox.zipped([1, 2], ["a", "b"]) | length }}' as zipped,
  '{{ toolbox.log_line("said") }}' as line,
  '{{ toolbox.clock() | length }}' as years,
  '{{ toolbox.is_deep() }}|{{ toolbox.with_default("nobody") }}|{{ toolbox.with_default("toolbox_null_mark") }}' as vars,
  '{{ toolbox.exists_in(target.schema, "sales") }}|{{ toolbox.exists_in(target.schema, "nothing") }}' as there,
  '{{ toolbox.types_of(ref("sales")) }}' as types,
  '{{ toolbox.relations_like(target.schema, "sa%") | map(attribute="identifier") | join(",") }}' as found

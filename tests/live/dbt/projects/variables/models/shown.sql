{{ config(materialized='table', tags=var('list'), meta={'v': var('plain')}) }}
select '{{ var("plain") }}' as plain, '{{ var("text") }}' as t, '{{ var("list") | join("/") }}' as l,
 '{{ var("nested").k.deep }}' as deep, '{{ var("own") }}' as own, '{{ var("missing", "fallback") }}' as m,
 '{{ env_var("WEIR_LIVE_NOT_SET", "unset") }}' as e, '{{ var("nested")["k"] }}' as d,
 {{ "'yes'" if var("flag", false) else "'no'" }} as f, '{{ var.has_var("plain") }}' as h

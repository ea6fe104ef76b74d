{{ config(materialized='table') }}
select '{{ this }}' as t, '{{ this.database is none }}' as d, '{{ this.schema }}' as s, '{{ this.identifier }}' as i, '{{ ref("wide") }}' as r,
 '{{ ref("wide").include(schema=false) }}' as x, '{{ this.name }}' as n, '{{ ref("tall").identifier }}' as ti

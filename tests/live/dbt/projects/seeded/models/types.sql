{{ config(materialized='table') }}
select typeof(i) i, typeof(f) f, typeof(d) d, typeof(ts) ts, typeof(b) b, typeof(mixed) m, typeof(empty) e, typeof(nulls) n, typeof(pad) p from {{ ref('guessed') }}

{{ config(materialized='table') }}
select a.n, b.i from ({{ toolbox.counted(11) }}) as a join ({{ toolbox.spine(5) }}) as b on b.i = a.n

{{ config(materialized='table') }}
select typeof(code) c, typeof(amount) a, typeof(note) n, length(note) l from {{ ref('kinds') }}

{{ config(materialized='view') }}
-- a comment with the word with
select id from {{ ref('d') }} join {{ ref('c') }} on id = i

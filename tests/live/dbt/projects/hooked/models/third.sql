{{ config(materialized='incremental', post_hook=["{% if is_incremental() %}{{ note('again') }}{% else %}{{ note('anew') }}{% endif %}"]) }}
select * from {{ ref('second') }}

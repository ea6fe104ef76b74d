{{ config(severity='error', limit=10) }} select * from {{ ref('top') }} where amount < 0

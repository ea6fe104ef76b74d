{{ config(severity='warn', limit=2, tags=['few']) }}
select n from {{ ref('numbers') }}

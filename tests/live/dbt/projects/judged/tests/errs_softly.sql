{{ config(severity='error', error_if='>100', warn_if='>=1') }}
select n from {{ ref('numbers') }}

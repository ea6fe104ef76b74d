{{ config(severity='warn') }}
select no_such_column_at_all from {{ ref('numbers') }} where nope = 1

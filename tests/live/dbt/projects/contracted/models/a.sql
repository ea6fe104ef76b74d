select 1 as id, cast('x' as text) as code

select 1 as id, 'ann' as first_name

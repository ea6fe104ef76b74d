select 1 as n, 'a' as kind union all select 2, 'a' union all select 3, 'b' union all select null, 'c'

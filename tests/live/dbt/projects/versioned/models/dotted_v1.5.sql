select 1.5 as n

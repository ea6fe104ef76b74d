select cast('x' as text) as code

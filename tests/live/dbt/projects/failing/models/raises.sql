{% if execute %}{{ exceptions.raise_compiler_error("not like this") }}{% endif %}
select 1 as id

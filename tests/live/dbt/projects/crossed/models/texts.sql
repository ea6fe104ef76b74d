select
    id,
    {{ dbt.split_part('txt', "','", 1) }} as first_part,
    {{ dbt.split_part('txt', "','", 2) }} as second_part,
    {{ dbt.split_part('txt', "','", -1) }} as last_part,
    {{ dbt.concat(['txt', "'-'", 'txt']) }} as joined,
    {{ dbt.length('txt') }} as len,
    {{ dbt.position("','", 'txt') }} as pos,
    {{ dbt.replace('txt', "','", "';'") }} as swapped,
    {{ dbt.right('txt', 2) }} as tail,
    {{ dbt.hash('txt') }} as hashed,
    {{ dbt.string_literal('a') }} as lit,
    {{ dbt.string_literal(dbt.escape_single_quotes("it's")) }} as escaped,
    {{ dbt.cast_bool_to_text('flag') }} as flag_text,
    {{ dbt.safe_cast('txt', api.Column.translate_type('string')) }} as safe,
    {{ dbt.cast('id', dbt.type_string()) }} as as_text
from {{ ref('base') }}

select {{ dbt.safe_cast("'1'", api.Column.translate_type("integer")) }} as sc, '{{ builtins.ref("base") }}' as b

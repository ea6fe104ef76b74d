select 7 as id, '{{ model.fqn | join(".") }}' as f, '{{ model.unique_id }}' as u, '{{ model.original_file_path }}' as p

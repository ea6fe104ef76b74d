{{ config(materialized='table') }}
select '{% if execute %}{% for n in graph.nodes.values() | selectattr("resource_type", "equalto", "model") | sort(attribute="name") %}{{ n.name }} {% endfor %}{% endif %}' as models,
 '{{ invocation_id | length }}' as i, '{{ run_started_at.strftime("%Y") | length }}' as y, '{{ return_it() }}' as rt

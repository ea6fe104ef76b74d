{% macro note_results(results) %}
  {% set kinds = results | map(attribute='status') | map('string') | list %}
  {% if execute and 'error' in kinds %}{{ log('something failed', info=true) }}{% endif %}
  select {{ results | length }}
{% endmacro %}

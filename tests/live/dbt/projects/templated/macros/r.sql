{% macro return_it() %}{% for i in [1, 2, 3] %}{% if i == 2 %}{{ return('two') }}{% endif %}{% endfor %}never{% endmacro %}

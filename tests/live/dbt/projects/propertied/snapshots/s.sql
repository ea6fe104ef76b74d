{% snapshot seen %}
{{ config(unique_key='id', strategy='check', check_cols=['amount']) }}
select id, amount from {{ ref('things') }}
{% endsnapshot %}

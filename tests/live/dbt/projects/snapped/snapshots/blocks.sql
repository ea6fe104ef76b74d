{% snapshot by_time %}
{{ config(target_schema='main', unique_key='id', strategy='timestamp', updated_at='updated_at') }}
select * from {{ ref('people') }}
{% endsnapshot %}

{% snapshot by_check %}
{{ config(target_schema='main', unique_key='id', strategy='check', check_cols=['name', 'city']) }}
select id, part, name, city from {{ ref('people') }}
{% endsnapshot %}

{% snapshot by_all %}
{{ config(target_schema='main', unique_key='id', strategy='check', check_cols='all', invalidate_hard_deletes=true) }}
select id, name, city from {{ ref('people') }}
{% endsnapshot %}

{% snapshot by_two %}
{{ config(target_schema='main', unique_key=['id', 'part'], strategy='timestamp', updated_at='updated_at', hard_deletes='invalidate') }}
select * from {{ ref('people') }}
{% endsnapshot %}

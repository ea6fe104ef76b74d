{{ config(materialized='incremental', unique_key='id', pre_hook=[{'sql': "insert into main.told values ('before', false)", 'transaction': false}], post_hook=[after_commit("vacuum {{ this }}")]) }}
select id, name from {{ ref('t') }} {% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}

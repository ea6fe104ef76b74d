{{ config(tags='own', meta={'c': 3, 'same': 'own'}, post_hook="insert into run_log values ('post {{ this.name }}', 4)") }}
select id, code, amount from {{ ref('things') }}

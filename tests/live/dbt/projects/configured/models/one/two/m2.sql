{{ config(tags='file', meta={'level': 'file', 'from_file': [1, 2]}) }}
{{ config(meta={'again': true}, tags=['file2']) }}
select 2 as id

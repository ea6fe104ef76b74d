{{ config(access='private') }}
select * from {{ ref('orders') }}

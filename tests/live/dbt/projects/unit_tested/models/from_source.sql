{{ config(materialized='table') }}
select e.id, s.name from {{ source('app', 'events') }} as e left join {{ ref('stg') }} as s on s.id = e.id

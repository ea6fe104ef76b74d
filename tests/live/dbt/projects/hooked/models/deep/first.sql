{{ config(materialized='table', pre_hook=["{{ note('file pre ' ~ this.identifier) }}"], post_hook="{{ note('file post') }}") }}
select 1 as id

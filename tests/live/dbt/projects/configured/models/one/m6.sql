{{ config(materialized='table', schema='other', alias='six') }}
select '{{ config.get("materialized") }}' as m, '{{ config.get("nope", "dflt") }}' as n, '{{ config.get("meta").level }}' as l, '{{ this.schema }}' as s, '{{ model.alias }}' as a

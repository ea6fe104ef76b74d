select * from {{ ref('top') }} where id > {{ var('inner') }}

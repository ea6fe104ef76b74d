select id from {{ ref('people', v=2) }} where id > 5

{{ toolbox.unpivot(ref('sales'), exclude=['id'], remove=['url', 'code', 'sold_on'], type=dbt.type_string()) }}

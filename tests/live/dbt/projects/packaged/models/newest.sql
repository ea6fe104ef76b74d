{{ toolbox.deduplicate(ref('sales'), 'shop', 'id desc') }}

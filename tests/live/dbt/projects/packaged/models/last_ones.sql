{{ toolbox.latest(ref('sales'), 'shop', 'id') }}

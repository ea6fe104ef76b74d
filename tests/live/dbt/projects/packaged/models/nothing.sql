{{ toolbox.empty_like(ref('sales')) }}

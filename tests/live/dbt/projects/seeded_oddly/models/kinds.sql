select typeof(i) i, typeof(f) f, typeof(e) e, typeof(d) d, typeof(dt) dt, typeof(b) b, typeof(empty) em, typeof(comma) c, typeof(z) z from {{ ref('odd') }}

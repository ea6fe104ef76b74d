# Bytes of others: escape sequences, wide, combining and right-to-left characters, controls.
charset utf8
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 5
feed processes fixtures/foreign.json
dump 3-14
===
 process                    state      pid     restarts       up   memory   cpu
▸esc^[[31mred^[[0m          ✓ ready    1              0       1s   1.0 kB    0%
 title^[]0;owned^G          ✓ ready    1              0       1s   1.0 kB    0%
 商店の売上データ処理       ✓ ready    1              0       1s   1.0 kB    0%
 combińing é̂                ✓ ready    1              0       1s   1.0 kB    0%
 bidi \u202Egnp.exe         ✓ ready    1              0       1s   1.0 kB    0%
 שלום עולם                  ✓ ready    1              0       1s   1.0 kB    0%
 tab^Iand^Jnewline          ✓ ready    1              0       1s   1.0 kB    0%
 zero\u200Bwidthjoiner      ✓ ready    1              0       1s   1.0 kB    0%
 emoji 👩👩👧 🙂 ok         ✓ ready    1              0       1s   1.0 kB    0%
 nul-free ^A^B^?\u009B31m   ✓ ready    1              0       1s   1.0 kB    0%

===

#!/bin/bash
# How long `weir --version` takes: the best of 30, as a shell's completion would feel it,
# and its instructions, which no other load on the machine can change.
set -u
instructions=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$WEIR" --version 2>&1 >/dev/null |
    sed -n 's/.*Collected : //p')
/usr/bin/python3 - "$WEIR" "${instructions:-0}" <<'P'
import os, subprocess, sys, time
best = 1e9
for _ in range(30):
    start = time.perf_counter()
    subprocess.run([sys.argv[1], "--version"], stdout=subprocess.DEVNULL)
    best = min(best, (time.perf_counter() - start) * 1e3)
millions = int(sys.argv[2]) / 1e6
print(f"   weir --version: {best:.1f} ms, {millions:.1f} M instructions (the loader's among them)")
table = os.environ.get("WEIR_BENCH_TABLE")
if table:
    with open(table, "a") as f:
        f.write(f"weir --version\t<= 10 ms\t{best:.1f} ms, {millions:.1f} M instructions\t"
                f"{'ok' if best <= 10 else 'MISSED'}\n")
P

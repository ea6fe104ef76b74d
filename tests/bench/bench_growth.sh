#!/bin/bash
# What an event costs the stream job as their number grows, in instructions: the 100 k
# events before number 100 k, 1 M and EVENTS (default 10 M: minutes, as valgrind runs the
# millions between too; it counts only in those spans).
set -u
most=${EVENTS:-10000000}
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
valgrind -q --tool=callgrind --instr-atstart=no --callgrind-out-file="$dir/out" \
    "$WEIR_BUILD/tests/bench/bench_stream" growth "$most" >/dev/null 2>"$dir/err" ||
    { cat "$dir/err"; exit 1; }
# the first dump is of making the events alone
for f in "$dir"/out.*; do
    awk '/^totals:/ { print $2 }' "$f"
done | awk -v table="${WEIR_BENCH_TABLE:-/dev/null}" -v most="$most" '
    NR == 1 { make = $1; next }
    { cost[++n] = ($1 - make) / 1e5
      printf "   the 100 k events before %9d: %6.0f instructions an event, %.3f x the first\n",
          10 ^ (n + 4), cost[n], cost[n] / cost[1] }
    END { ratio = n > 1 ? cost[n] / cost[1] : 0
          verdict = (ratio >= 0.9 && ratio <= 1.1 && most >= 1e7) ? "ok" : "MISSED"
          printf("instructions an event, at %d\twithin 10 %% of first 100 k\t%.3f x\t%s\n",
              most, ratio, verdict) >> table
          exit n < 2 }'

#!/bin/bash
# What an event costs the stream job as their number grows, in instructions: the 100 k
# events before number 100 k, 1 M and EVENTS (default 10 M). The job runs through them once
# and leaves its state before each span; callgrind counts the spans.
set -u
most=${EVENTS:-10000000}
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
bench=$WEIR_BUILD/tests/bench/bench_stream
"$bench" growth "$most" "$dir" || exit 1
count() {
    valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=/dev/null "$bench" span "$@" 2>&1 |
        sed -n 's/.*Collected : //p'
}
making=$(count 0)
for ((end = 100000; end <= most; end *= 10)); do
    echo "$end $(count $((end - 100000)) "$dir")"
done | awk -v table="${WEIR_BENCH_TABLE:-/dev/null}" -v most="$most" -v making="${making:-0}" '
    NF == 2 { cost[++n] = ($2 - making) / 1e5
      printf("   the 100 k events before %9d: %6.0f instructions an event, %.3f x the first\n",
          $1, cost[n], cost[n] / cost[1]) }
    END { ratio = n > 1 ? cost[n] / cost[1] : 0
          verdict = (ratio >= 0.9 && ratio <= 1.1 && most >= 1e7) ? "ok" : "MISSED"
          printf("instructions an event, at %d\twithin 10 %% of first 100 k\t%.3f x\t%s\n",
              most, ratio, verdict) >> table
          exit n < 2 }'

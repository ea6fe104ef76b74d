#!/bin/bash
# Prints every bench program's table. Figures are ratios to a baseline measured in the same
# run; absolute ones are for orientation.   tests/bench/run.sh BUILD
set -u
build=${1:-build/release}
cd "$(dirname "$0")/../.." || exit 2
export WEIR=$PWD/$build/weir WEIR_BUILD=$PWD/$build WEIR_SHARED=${WEIR_SHARED:-$PWD/../shared}
WEIR_BENCH_TABLE=$(mktemp)
export WEIR_BENCH_TABLE
trap 'rm -f "$WEIR_BENCH_TABLE"' EXIT
for t in "$build"/tests/bench/bench_*; do
    [ -x "$t" ] && [ ! -d "$t" ] || continue
    case $t in *.d) continue ;; esac
    echo "== $(basename "$t")"
    "$t" || echo "   FAILED ($?)"
done
for t in tests/bench/bench_*.sh; do
    [ -e "$t" ] || continue
    echo "== $(basename "$t" .sh)"
    bash "$t" || echo "   FAILED ($?)"
done
printf '\n%-44s %-28s %-26s\n' figure must measured
awk -F '\t' '{ printf "%-44s %-28s %-26s %s\n", $1, $2, $3, $4; bad += $4 == "MISSED" }
    END { exit bad > 0 }' "$WEIR_BENCH_TABLE"
rc=$?
echo "load average: $(cut -d' ' -f1-3 /proc/loadavg)"
exit $rc

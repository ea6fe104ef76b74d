#!/bin/bash
# Runs the tests of a built tree and counts them.
#   tests/run.sh unit BUILD    unit and fault programs, fuzz corpora
#   tests/run.sh all BUILD     those, then screens, scenarios and scripts
# Every program prints TAP; a program that dies or prints no plan is one failure. The last
# line is "N passed, N failed" (", N skipped" when there are any); exit 1 on a failure.
set -u
what=${1:-all} build=${2:-build/release}
cd "$(dirname "$0")/.." || exit 2
logs=$build/test-logs
rm -rf "$logs"; mkdir -p "$logs"
export WEIR=$PWD/$build/weir WEIR_BUILD=$PWD/$build WEIR_SHARED=${WEIR_SHARED:-$PWD/../shared}
export CMOCKA_MESSAGE_OUTPUT=TAP LC_ALL=C.UTF-8
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
unset WEIR_PROJECT_DIR WEIR_STATE_DIR WEIR_SET WEIR_AS_OF WEIR_POS WEIR_STORES WEIR_PRODUCTS NO_COLOR

# one NAME COMMAND…: output to logs/NAME.tap, exit status appended
one() {
    local name=$1 start=$EPOCHREALTIME
    shift
    timeout -k 10 "${TEST_TIMEOUT:-420}" "$@" >"$logs/$name.tap" 2>&1 </dev/null
    local rc=$?
    printf '# exit %d after %.1f s\n' "$rc" "$(echo "$EPOCHREALTIME - $start" | bc)" >>"$logs/$name.tap"
}
export -f one; export logs

queue=()
add() { queue+=("$(printf '%q ' "$@")"); }

for t in "$build"/tests/unit/test_* "$build"/tests/fault/test_*; do
    [ -x "$t" ] && add "$(basename "$t")" "$t"
done
for t in "$build"/tests/fuzz/fuzz_*; do
    corpus=tests/fuzz/corpus/$(basename "$t")
    [ -x "$t" ] && [ -d "$corpus" ] && add "$(basename "$t")" tests/fuzz/corpus.sh "$t" "$corpus"
done
if [ "$what" = all ]; then
    for t in tests/*/run.sh; do
        case $t in tests/bench/*|tests/lint/*|tests/fuzz/*|tests/live/*) continue ;; esac
        add "$(basename "$(dirname "$t")")" "$t"
    done
    for t in tests/scenario/*.bats; do
        [ -e "$t" ] && add "$(basename "$t" .bats)" bats --tap "$t"
    done
fi
[ ${#queue[@]} -gt 0 ] && printf '%s\n' "${queue[@]}" | xargs -d '\n' -P 2 -I{} bash -c 'one {}'

passed=0 failed=0 skipped=0
for f in "$logs"/*.tap; do
    name=$(basename "$f" .tap)
    # cmocka writes a skipped test as "not ok N # SKIP name", bats as "ok N name # skip why"
    p=$(grep -ciE '^ok |^not ok [0-9]+ # skip' "$f")
    s=$(grep -ciE '^ok .*# *skip|^not ok [0-9]+ # skip' "$f")
    n=$(grep -E '^not ok ' "$f" | grep -cviE '^not ok [0-9]+ # skip')
    rc=$(sed -n 's/^# exit \([0-9]*\) .*/\1/p' "$f" | tail -1)
    if [ "$n" = 0 ] && { [ "$rc" != 0 ] || [ "$p" = 0 ]; }; then
        n=1
        echo "not ok - $name ended with status $rc after $p results" >>"$f"
    fi
    passed=$((passed + p - s)) failed=$((failed + n)) skipped=$((skipped + s))
    if [ "$n" != 0 ]; then
        echo "== $name (log: $f)"
        grep -E -A12 '^not ok|ERROR: |runtime error|Assertion' "$f" | head -${TEST_LINES:-40}
    elif [ "${TEST_VERBOSE:-}" ]; then
        echo "ok $name: $p ($(sed -n 's/^# exit 0 after //p' "$f"))"
    fi
done
echo
if [ "$skipped" != 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" = 0 ] && [ "$passed" != 0 ]

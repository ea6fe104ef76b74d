#!/bin/bash
# Screen tests: every tests/screen/*.t is a script of the console with the screens that are
# expected. `weir console --script` prints the script with the screens it really drew; the
# two must be the same text. GENERATE=1 takes what was drawn (read the diff before you commit).
#   tests/screen/run.sh [build/release] [NAME…]
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${1:-${WEIR_BUILD:-build/release}}; shift
n=0; passed=0; failed=0
out=$(mktemp) || exit 2
trap 'rm -f "$out" "$out.err"' EXIT
for t in tests/screen/*.t; do
    name=$(basename "$t" .t)
    [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
    env -u WEIR_THEME -u NO_COLOR TERM=xterm-256color "$build/weir" console --script "$t" \
        >"$out" 2>"$out.err"
    rc=$?
    [ "${GENERATE:-}" = 1 ] && [ $rc -eq 0 ] && cp "$out" "$t"
    if [ $rc -eq 0 ] && diff -u "$t" "$out" >"$out.err" 2>&1; then
        echo "ok $((++n)) - screen $name"; passed=$((passed + 1))
    else
        echo "not ok $((++n)) - screen $name"; sed 's/^/# /' "$out.err"; failed=$((failed + 1))
    fi
done
echo "1..$n"
echo "# $passed passed, $failed failed"
[ $failed -eq 0 ]

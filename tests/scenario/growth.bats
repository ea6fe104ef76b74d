#!/usr/bin/env bats
# Reading a project takes time in proportion to its size: instructions are counted, which
# no other work on the machine changes.

setup() {
    : "${WEIR:=$PWD/build/weir}"
    command -v valgrind >/dev/null || skip "valgrind is not installed"
    [ -z "${WEIR_SAN:-}" ] || skip "sanitizers and valgrind do not go together"
    TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/weir-test.XXXXXX")
    unset WEIR_PROJECT_DIR WEIR_STATE_DIR
}
teardown() { rm -rf "$TEST_DIR"; }

# Instructions of `weir parse` of so many models, from nothing.
count() {
    python3 "$BATS_TEST_DIRNAME/../bench/gen_project.py" "$TEST_DIR/p$1" "$1"
    (cd "$TEST_DIR/p$1" && valgrind --tool=callgrind --callgrind-out-file=/dev/null "$WEIR" parse -q 2>&1) |
        sed -n 's/.*refs: *\([0-9,]*\).*/\1/p' | tr -d ,
}

@test "ten times the models, at most eleven times the work" {
    a=$(count 20) b=$(count 200) c=$(count 2000)
    echo "20: $a, 200: $b, 2,000: $c instructions"
    [ "$a" -gt 0 ] && [ "$c" -gt 0 ]
    [ $((c)) -le $((11 * b)) ]
    # what one more model costs does not grow: 180 of them against 1,800
    first=$(((b - a) / 180)) later=$(((c - b) / 1800))
    echo "a model: $first, then $later"
    [ $((later * 100)) -le $((first * 115)) ]
}

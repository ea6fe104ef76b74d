# Shared by the scenarios: a platform of its own in a temporary folder for every test.
setup_platform() {
    : "${WEIR:=$PWD/build/weir}" "${WEIR_SHARED:=$PWD/../shared}"
    export WEIR WEIR_SHARED
    TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/weir-test.XXXXXX")
    cp -r "$BATS_TEST_DIRNAME/../../retail" "$TEST_DIR/retail"
    export WEIR_PROJECT_DIR=$TEST_DIR/retail WEIR_STATE_DIR=$TEST_DIR/state
    unset WEIR_POS WEIR_STORES WEIR_PRODUCTS WEIR_SET WEIR_AS_OF WEIR_POS_ARRIVAL
}
teardown_platform() {
    [ -S "$WEIR_STATE_DIR/control.sock" ] && "$WEIR" down --now >/dev/null 2>&1
    rm -rf "$TEST_DIR"
}
need_data() {
    [ -e "$WEIR_SHARED/data/$1" ] || skip "no $1"
}
verify() {
    "$BATS_TEST_DIRNAME/verify.py" "$@"
}
# Every byte the platform wrote, for grep: plain files, and the bus' and tables' contents.
written_text() {
    cat "$WEIR_STATE_DIR"/logs/* "$WEIR_STATE_DIR"/*.jsonl "$WEIR_PROJECT_DIR"/target/* 2>/dev/null || true
    for f in $(find "$WEIR_STATE_DIR" -name '*.db'); do
        sqlite3 "file:$f?mode=ro" .dump 2>/dev/null || true
        strings -n 8 "$f" || true
    done
    for t in $("$WEIR" topic ls -o csv | tail -n +2 | cut -d, -f1); do
        "$WEIR" topic tail "$t" --from begin --limit 100000 -o json
    done
}

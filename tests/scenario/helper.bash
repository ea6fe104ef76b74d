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
# Every byte the platform wrote, for grep: files as they lie, tables and topics as text.
written_text() {
    find "$WEIR_STATE_DIR" -type f -exec strings -n 8 {} +
    for f in $(find "$WEIR_STATE_DIR" -name '*.db'); do
        sqlite3 "file:$f?mode=ro" .dump
    done
    "$WEIR" topic ls -o csv | tail -n +2 | cut -d, -f1 | while read -r t; do
        "$WEIR" topic tail "$t" --from begin --limit 100000 -o json
    done
}

# weir source: as an operator uses it, and what it says when a source is bad.
load helper

# Records a source brought, by `source ls`.
records_of() { "$WEIR" source ls -o csv | awk -F, -v s="$1" '$1 == s {print $5}'; }

setup() { setup_platform; }
teardown() { teardown_platform; }

@test "source ls, check and sync without a running platform" {
    run "$WEIR" source ls -o json
    [ "$status" -eq 0 ]
    [[ $output == *'"name": "pos"'* && $output == *'"in": 0'* ]]
    run "$WEIR" source check stores
    [ "$status" -eq 0 ]
    [[ $output == *"plugin stores 1.0"* && $output == *"457 records, all there are, 0 rejected"* ]]
    [ ! -e "$WEIR_STATE_DIR/bus.db" ] # check writes nothing
    run "$WEIR" source sync stores
    [ "$status" -eq 0 ]
    [[ $output == "stores: 457 records, 0 rejected, 0 card numbers, codes masked" ]]
    run "$WEIR" source sync stores
    [[ $output == "stores: 0 records, 0 rejected, 0 card numbers, codes masked" ]]
}

@test "source sync: a shrunk snapshot is refused, and taken when asked for" {
    export WEIR_STORES=$TEST_DIR/stores.csv
    cp "$WEIR_PROJECT_DIR/data/stores.csv" "$WEIR_STORES"
    "$WEIR" source sync stores
    head -101 "$WEIR_PROJECT_DIR/data/stores.csv" >"$WEIR_STORES"
    run "$WEIR" source sync stores
    [ "$status" -eq 1 ]
    [[ $output == *"has 100 rows, the last one had 457"* && $output == *"allow_shrink=true"* ]]
    run "$WEIR" --set sources.stores.allow_shrink=true source sync stores
    [ "$status" -eq 0 ]
    [[ $output == "stores: 357 records,"* ]]
}

@test "source check: bad sources are named with what to do" {
    run "$WEIR" source check pso
    [ "$status" -ne 0 ]
    [[ $output == *"did you mean pos"* ]]
    run "$WEIR" --set sources.pos.plugin=poss source check pos
    [ "$status" -ne 0 ]
    [[ $output == *'no plugin "poss"; did you mean "pos"'* ]]
    run "$WEIR" --set sources.stores.refuse_shink=5% source check stores
    [ "$status" -eq 2 ]
    [[ $output == *"refuse_shink"* && $output == *"refuse_shrink"* ]]
    WEIR_POS=$TEST_DIR/gone.jsonl run "$WEIR" source check pos
    [ "$status" -ne 0 ]
    [[ $output == *"gone.jsonl: No such file or directory"* ]]
}

@test "source sync: a truncated gzip file keeps what came before, and goes on when whole" {
    export WEIR_POS=$TEST_DIR/pos.jsonl.gz WEIR_POS_ARRIVAL=
    head -c 200000 "$WEIR_PROJECT_DIR/data/pos_incidents.jsonl.gz" >"$WEIR_POS"
    run "$WEIR" source sync pos
    [ "$status" -eq 1 ]
    [[ $output == *"pos.jsonl.gz: byte 200000: the gzip file ends in the middle"* ]]
    first=$(records_of pos)
    [ "$first" -gt 500 ]
    cp "$WEIR_PROJECT_DIR/data/pos_incidents.jsonl.gz" "$WEIR_POS"
    run "$WEIR" source sync pos
    [ "$status" -eq 0 ]
    [ "$(records_of pos)" -eq 3474 ]
}

#!/usr/bin/env bats
# Flagged receipts reach the feed, the severe ones the outbox and the sink, each once.
load helper

setup() { setup_platform; }
teardown() { teardown_platform; }

rows() { /usr/bin/python3 -c 'import json,sys; print(len(json.load(sys.stdin)))'; }

@test "the three severe anomalies are alerted once, over two runs" {
    "$WEIR" up --once >/dev/null
    [ "$("$WEIR" anomalies --limit 1000 -o json | rows)" -eq 167 ]
    [ "$("$WEIR" anomalies --severity high -o json | rows)" -eq 3 ]
    [ "$("$WEIR" anomalies --store 343 --reason AMOUNT_OUTLIER --severity high -o json | rows)" -eq 1 ]
    [ "$("$WEIR" alerts -o json | rows)" -eq 3 ]
    [ "$("$WEIR" alerts --open -o json | rows)" -eq 0 ]
    [ "$(grep -c '"key":"anomaly/STORE_' "$WEIR_STATE_DIR/alerts.jsonl")" -eq 3 ]
    "$WEIR" up --once >/dev/null
    [ "$(wc -l <"$WEIR_STATE_DIR/alerts.jsonl")" -eq 3 ]
    # without the table the topic itself answers
    rm "$WEIR_STATE_DIR"/warehouse/bronze.db*
    [ "$("$WEIR" anomalies --limit 1000 -o json | rows)" -eq 167 ]
    run "$WEIR" anomalies --severity loud
    [ "$status" -eq 2 ]
}

@test "an alert is acknowledged from the command line, once" {
    "$WEIR" up --once >/dev/null
    key=$("$WEIR" alerts -o csv | sed -n 2p | cut -d, -f4)
    run "$WEIR" alerts ack "$key"
    [ "$status" -eq 4 ] # nobody is up
    "$WEIR" up --detach -q
    [ "$("$WEIR" alerts --unseen -o json | rows)" -eq 3 ]
    "$WEIR" alerts ack "$key"
    [ "$("$WEIR" alerts --unseen -o json | rows)" -eq 2 ]
    "$WEIR" alerts ack "$key" # again is no mistake
    run "$WEIR" alerts ack "$key" nobody
    [ "$status" -eq 1 ]
    [[ "$output" == *"alert nobody: there is none"* ]]
    run "$WEIR" alerts ack
    [ "$status" -eq 2 ]
}

@test "a sink that cannot be written is visible, and the alert gets out later" {
    mkdir -p "$WEIR_STATE_DIR/alerts.jsonl" # a folder in the file's place
    run "$WEIR" up --once
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$("$WEIR" alerts --open -o json | rows)" -eq 3 ]
    "$WEIR" alerts | grep -q failing
    rmdir "$WEIR_STATE_DIR/alerts.jsonl"
    "$WEIR" up --once >/dev/null
    [ "$("$WEIR" alerts --open -o json | rows)" -eq 0 ]
    [ "$(wc -l <"$WEIR_STATE_DIR/alerts.jsonl")" -eq 3 ]
}

@test "gates are listed with their last verdict; a suite file can be judged on any table" {
    "$WEIR" up --once >/dev/null
    "$WEIR" gate ls | grep -q 'transactions .*pass'
    printf '[{"expectation_type":"expect_column_values_to_be_unique","kwargs":{"column":"store_id"}}]' >"$TEST_DIR/s.json"
    "$WEIR" gate run --suite "$TEST_DIR/s.json" --on gold.dim_stores
    run "$WEIR" gate run --suite "$TEST_DIR/s.json" --on silver.stg_transactions
    echo "$output"
    [ "$status" -eq 5 ]
    run "$WEIR" gate run --suite "$TEST_DIR/s.json" --on silver.nothing
    [ "$status" -eq 1 ]
    [[ "$output" == *"does not exist"* ]]
    run "$WEIR" gate run transaction
    [[ "$output" == *"did you mean transactions?"* ]]
}

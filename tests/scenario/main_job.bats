#!/usr/bin/env bats
# The main job, headless: files in, gated gold out, equal to independent results.
load helper

setup() { setup_platform; }
teardown() { teardown_platform; }

table_dump() { # what must be equal between runs: everything but the times of the run
    "$WEIR" query "select transaction_id, store_id, terminal_id, customer_id, transaction_timestamp, total_amount, payment_method, items, anomaly_detected, anomaly_reasons from silver.stg_transactions order by 1" -o csv
    "$WEIR" query "select daily_sales_key, transaction_date, store_id, transaction_count, unique_customers, gross_sales, avg_transaction_value, median_transaction_value, total_items_sold, credit_transactions, anomaly_count, sales_per_sqft from gold.fct_daily_sales order by 1" -o csv
    "$WEIR" query "select store_id, \"window\", window_start, n, \"sum\" from bronze.store_aggregates order by 1, 2, 3" -o csv
    "$WEIR" query "select * from gold.mart_department_daily order by 1, 2" -o csv
    "$WEIR" query "select line, reason from bronze.dead_letters order by 1, 2" -o csv
    "$WEIR" query "select transaction_id, severity from bronze.anomalies order by 1" -o csv
}

@test "the sample data runs from file to gated gold, and its anomalies and alerts are right" {
    run "$WEIR" up --once
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"3,474"* ]]
    need_data expected/anomalies_incidents.csv.gz
    verify anomalies incidents
}

@test "the clean stream: gold, windows and anomalies agree" {
    need_data pos.jsonl.gz
    WEIR_POS=$WEIR_SHARED/data/pos.jsonl.gz run "$WEIR" up --once
    echo "$output"
    [ "$status" -eq 0 ]
    verify daily
    verify windows pos
    verify anomalies pos
}

@test "the disordered stream: every injected line under its kind, gold as from the clean one" {
    need_data pos_disorder.jsonl.gz
    WEIR_POS=$WEIR_SHARED/data/pos_disorder.jsonl.gz run "$WEIR" up --once
    echo "$output"
    [ "$status" -eq 0 ]
    verify injected
    verify windows disorder
}

@test "no card number in any file the platform writes" {
    need_data pos_disorder.jsonl.gz
    WEIR_POS=$WEIR_SHARED/data/pos_disorder.jsonl.gz "$WEIR" up --once >"$TEST_DIR/screen" 2>&1
    cat "$TEST_DIR/screen" >"$TEST_DIR/text"
    written_text >>"$TEST_DIR/text"
    [ -s "$TEST_DIR/text" ]
    grep -aq 411111 "$TEST_DIR/text" # masked ones are there: first six digits stay
    ! grep -aE '4111[- ]?1111[- ]?1111[- ]?1111|5555[- ]?5555[- ]?5555[- ]?4444|5105[- ]?1051[- ]?0510[- ]?5100|4012[- ]?8888[- ]?8888[- ]?1881|6011[- ]?1111[- ]?1111[- ]?1117' "$TEST_DIR/text"
}

@test "verification codes and PINs are not kept: gone from every file, counted" {
    zcat "$WEIR_PROJECT_DIR/data/pos_incidents.jsonl.gz" | head -100 |
        sed 's/^{/{"cvv":"Q7391","card":{"pin":"Q7392","brand":"visa"},/' >"$TEST_DIR/pos.jsonl"
    WEIR_POS=$TEST_DIR/pos.jsonl "$WEIR" up --once >"$TEST_DIR/text" 2>&1 || true
    grep -E 'codes masked +200$' "$TEST_DIR/text"
    written_text >>"$TEST_DIR/text"
    grep -aq visa "$TEST_DIR/text"
    ! grep -a Q739 "$TEST_DIR/text"
}

@test "a second run changes nothing" {
    "$WEIR" up --once
    table_dump >"$TEST_DIR/first"
    [ "$(wc -l <"$TEST_DIR/first")" -gt 4000 ]
    run "$WEIR" up --once
    echo "$output"
    [ "$status" -eq 0 ]
    table_dump >"$TEST_DIR/second"
    diff "$TEST_DIR/first" "$TEST_DIR/second"
}

@test "half of the file, then the whole, equals one run" {
    "$WEIR" up --once >/dev/null
    table_dump >"$TEST_DIR/one"
    export WEIR_STATE_DIR=$TEST_DIR/state2
    zcat "$WEIR_PROJECT_DIR/data/pos_incidents.jsonl.gz" | head -1700 | gzip >"$TEST_DIR/half.jsonl.gz"
    cp "$WEIR_PROJECT_DIR/data/pos_incidents.arrival.csv.gz" "$TEST_DIR/half.arrival.csv.gz"
    WEIR_POS=$TEST_DIR/half.jsonl.gz "$WEIR" up --once >/dev/null
    [ "$("$WEIR" query "select count(*) as n from bronze.raw_transactions" -o csv | tail -1)" -eq 1700 ]
    "$WEIR" up --once >/dev/null
    table_dump >"$TEST_DIR/two"
    diff "$TEST_DIR/one" "$TEST_DIR/two"
}

#!/usr/bin/env bats
# kill -9 of random processes of the platform during the job: same tables, nothing lost,
# nothing twice.
load helper

setup() { setup_platform; }
teardown() { teardown_platform; }

table_dump() {
    for q in \
        "select transaction_id, store_id, transaction_timestamp, total_amount, payment_method, anomaly_detected, anomaly_reasons from silver.stg_transactions order by 1" \
        "select transaction_id, count(*) as n from bronze.raw_transactions group by 1 order by 1" \
        "select daily_sales_key, transaction_count, gross_sales, anomaly_count, sales_per_sqft from gold.fct_daily_sales order by 1" \
        "select store_id, \"window\", window_start, n, \"sum\" from bronze.store_aggregates order by 1, 2, 3" \
        "select transaction_id, severity, count(*) as n from bronze.anomalies group by 1, 2 order by 1" \
        "select line, reason, count(*) as n from bronze.dead_letters group by 1, 2 order by 1, 2" \
        "select * from gold.mart_department_daily order by 1, 2"; do
        "$WEIR" query "$q" -o csv
    done
}

# The job uninterrupted, then with kills: the same tables.
kill_and_compare() {
    if [ -e "$WEIR_SHARED/data/pos_disorder.jsonl.gz" ]; then
        export WEIR_POS=$WEIR_SHARED/data/pos_disorder.jsonl.gz
    fi
    "$WEIR" up --once >/dev/null
    table_dump >"$TEST_DIR/want"
    [ "$(wc -l <"$TEST_DIR/want")" -gt 4000 ]
    export WEIR_STATE_DIR=$TEST_DIR/state2
    export WEIR_SET=${2:-}
    run "$BATS_TEST_DIRNAME/kill.py" "$1" "${SEED:-20171224}" "${3:-}"
    echo "$output"
    [ "$status" -eq 0 ] || tail -40 "$WEIR_STATE_DIR.log"
    [ "$status" -eq 0 ]
    table_dump >"$TEST_DIR/got"
    diff "$TEST_DIR/want" "$TEST_DIR/got"
}

@test "50 kills at random, supervisor included: same final tables" {
    kill_and_compare "${KILLS:-50}"
}

@test "kills with three stream workers: the tables of one that was left alone" {
    kill_and_compare "${KILLS:-20}" streams.enrichment.workers.min=3 stream
    [[ "$output" == *"stream enrichment"* ]]
}

#!/usr/bin/env bats
# Streaming nodes run again: what a plan says is read again, every row is there once.
load helper

setup() { setup_platform; }
teardown() { teardown_platform; }

json() { /usr/bin/python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"; }

# Every table a replay may touch, without where and when its rows were loaded.
tables() {
    for q in \
        "select transaction_id, store_id, transaction_timestamp, total_amount, anomaly_detected, anomaly_reasons, updated_at, is_correction from bronze.raw_transactions order by 1, 7" \
        "select * from bronze.raw_corrections order by 1" \
        "select store_id, \"window\", window_start, n, \"sum\", anomalies, is_final from bronze.store_aggregates order by 1, 2, 3" \
        "select transaction_id, anomaly_reasons, severity from bronze.anomalies order by 1" \
        "select transaction_id, late_windows from bronze.late_transactions order by 1" \
        "select line, reason, topic, \"partition\", \"offset\" from bronze.dead_letters order by 1, 2, 4, 5" \
        "select transaction_id, total_amount, anomaly_reasons from silver.stg_transactions order by 1" \
        "select daily_sales_key, transaction_count, gross_sales, anomaly_count from gold.fct_daily_sales order by 1" \
        "select * from gold.mart_department_daily order by 1, 2"; do
        "$WEIR" query "$q" -o csv
    done
}

same_tables() {
    tables >"$TEST_DIR/got"
    diff "$TEST_DIR/want" "$TEST_DIR/got"
}

once() {
    if [ -e "$WEIR_SHARED/data/pos_disorder.jsonl.gz" ]; then
        export WEIR_POS=$WEIR_SHARED/data/pos_disorder.jsonl.gz
    fi
    "$WEIR" up --once >/dev/null
    tables >"$TEST_DIR/want"
    [ "$(wc -l <"$TEST_DIR/want")" -gt 4000 ]
}

@test "a stream job from its beginning, from a time, from an offset: what the plan says, and the tables as they were" {
    once
    for from in begin 2017-12-24T00:00:00Z 20; do
        run "$WEIR" rerun stream.enrichment --plan --from "$from" -o json
        [ "$status" -eq 0 ]
        r="d['items'][0]['replay']"
        [ "$(echo "$output" | json "$r['topic'], $r['records'] == sum(p['to'] - p['from'] for p in $r['partitions']), sorted($r['loads'])")" = \
            "transactions True ['anomalies', 'dead_letters', 'late_transactions', 'raw_transactions', 'store_aggregates']" ]
        records=$(echo "$output" | json "$r['records']")
        [ "$from" != 20 ] || [ "$(echo "$output" | json "{p['from'] for p in $r['partitions']}")" = "{20}" ]
        run "$WEIR" rerun stream.enrichment --plan --from "$from"
        [[ "$output" == *"written anew: enriched-transactions, store-aggregates, anomalies, late-transactions, dead-letters"* ]]
        [[ "$output" == *"partition "*": offsets "*" to "* ]]
        before=$("$WEIR" topic ls -o json | json "[t['records'] for t in d if t['name'] == 'enriched-transactions'][0]")
        run "$WEIR" rerun stream.enrichment --scope this+ --from "$from" -o json
        [ "$status" -eq 0 ]
        [ "$("$WEIR" runs -o json | json "d[0]['reason'], d[0]['state']")" = "rerun stream.enrichment (this+) success" ]
        after=$("$WEIR" topic ls -o json | json "[t['records'] for t in d if t['name'] == 'enriched-transactions'][0]")
        [ "$after" -gt "$before" ] # written behind what was there
        [ "$after" -le $((before + records + 100)) ] # and no more than was read, and marks
        same_tables
    done
    # What is on the topic now gives the same tables to a load that reads all of it.
    run "$WEIR" rerun load.raw_transactions --scope this+
    [ "$status" -eq 0 ]
    run "$WEIR" rerun bronze.raw_transactions --from begin
    same_tables
    "$WEIR" up --once >/dev/null
    same_tables
}

@test "with other settings a replay gives what a new platform with them gives" {
    export WEIR_SET=$'streams.enrichment.detect.velocity=2/min\nstreams.enrichment.detect.off_hours=false'
    once
    unset WEIR_SET
    export WEIR_STATE_DIR=$TEST_DIR/state2
    "$WEIR" up --once >/dev/null
    ! same_tables >/dev/null
    export WEIR_SET=$'streams.enrichment.detect.velocity=2/min\nstreams.enrichment.detect.off_hours=false'
    run "$WEIR" rerun topic.transactions --scope this+
    echo "$output"
    [ "$status" -eq 0 ]
    same_tables
}

@test "every load, from its beginning and from an offset" {
    once
    for load in raw_transactions store_aggregates raw_stores; do
        run "$WEIR" rerun load.$load --scope this+
        echo "$output"
        [ "$status" -eq 0 ]
    done
    same_tables
    for load in raw_transactions store_aggregates anomalies late_transactions dead_letters; do
        run "$WEIR" rerun load.$load --from 1
        echo "$output"
        [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    done
    same_tables
    [ "$("$WEIR" query "select count(*) as n from bronze.raw_stores" -o csv | tail -1)" -eq 457 ]
    run "$WEIR" rerun source.stores
    [ "$status" -eq 0 ]
    [ "$("$WEIR" query "select count(*) as n from bronze.raw_stores" -o csv | tail -1)" -eq 457 ]
}

@test "beside a platform that runs, killed in the middle: begun anew, and right" {
    once
    timeout 60 "$WEIR" up --detach
    "$WEIR" wait --until idle --timeout 60s
    run timeout 60 "$WEIR" rerun stream.enrichment --scope this+ --from 20
    echo "$output"
    [ "$status" -eq 0 ]
    same_tables
    "$WEIR" rerun stream.enrichment --scope this+ >/dev/null 2>&1 &
    timeout 20 bash -c "until '$WEIR' runs -o json | grep -q '\"running\"'; do :; done"
    kill -9 "$(cat "$WEIR_STATE_DIR/lock")"
    wait || true
    timeout 60 "$WEIR" up --detach
    "$WEIR" wait --until idle --timeout 60s
    "$WEIR" runs
    [ "$("$WEIR" runs -o json | json "[r['state'] for r in d if r['reason'] == 'rerun stream.enrichment (this+)']")" = "['success', 'success']" ]
    same_tables
    timeout 60 "$WEIR" down
}

@test "what cannot be replayed is said, and what to do" {
    "$WEIR" up --once >/dev/null
    run "$WEIR" rerun source.pos --plan
    [ "$status" -ne 0 ]
    [[ "$output" == *"weir rerun topic.transactions"* ]]
    run "$WEIR" rerun stream.enrichment --plan --from yesterday
    [ "$status" -eq 2 ]
    [[ "$output" == *'"yesterday": expected begin, end, an offset or a time'* ]]
    run "$WEIR" rerun dim_stores --plan --from 3
    [ "$status" -ne 0 ]
    [[ "$output" == *"--from is for what reads a topic"* ]]
    run "$WEIR" rerun stream.enrichment --plan --from 999999
    [ "$status" -eq 3 ]
    [[ "$output" == *"nothing to replay"* ]]
}

#!/usr/bin/env bats
# The platform as a service: up in the background, watched, asked, killed, ended.
load helper

setup() { setup_platform; }
teardown() { teardown_platform; }

json() { /usr/bin/python3 -c "import json,sys; d=json.load(sys.stdin); print($1)"; }

@test "up --detach, wait, status, build, runs, logs, down" {
    run "$WEIR" status
    [ "$status" -eq 4 ]
    [[ "$output" == *"weir up"* ]]
    run "$WEIR" down
    [ "$status" -eq 3 ]
    run timeout 60 "$WEIR" up --detach
    echo "$output"
    [ "$status" -eq 0 ]
    run timeout 60 "$WEIR" up --detach
    [ "$status" -eq 4 ]
    [[ "$output" == *"already runs"* ]]
    "$WEIR" wait --until ready --timeout 30s
    "$WEIR" wait --until drained --timeout 60s # it goes on following its source
    run "$WEIR" wait --until draned
    [ "$status" -eq 2 ]
    [[ "$output" == *"did you mean drained"* ]]
    "$WEIR" wait --until idle --timeout 60s
    [ "$("$WEIR" query "select count(*) as n from bronze.raw_transactions" -o csv | tail -1)" -eq 3474 ]
    # A new platform is built as a whole as soon as its data has come to rest.
    [ "$("$WEIR" runs -o json | json "d[-1]['reason'], d[-1]['state']")" = "first build success" ]
    [ "$("$WEIR" query "select count(*) as n from gold.fct_daily_sales" -o csv | tail -1)" -gt 0 ]
    run "$WEIR" build --select +fct_daily_sales
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *fct_daily_sales* ]]
    run "$WEIR" build --select no_such_model
    [ "$status" -eq 3 ]
    run "$WEIR" rerun dim_stores --plan -o json
    [ "$status" -eq 0 ]
    [ "$(echo "$output" | json "d['items'][0]['name']")" = dim_stores ]
    run "$WEIR" test --select dim_stores
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    run "$WEIR" seed
    [ "$status" -eq 0 ]
    run "$WEIR" run --select dim_stores
    [ "$status" -eq 0 ]
    run "$WEIR" status -o json
    [ "$(echo "$output" | json "d['state'], d['counts']['records_in']")" = "running 3474" ]
    [ "$(echo "$output" | json "[p['name'] for p in d['processes'] if p['state'] == 'failed']")" = "[]" ]
    run "$WEIR" runs -o json
    [ "$(echo "$output" | json "d[0]['command'], d[0]['state']")" = "run success" ]
    id=$(echo "$output" | json "d[0]['id']")
    run "$WEIR" runs "$id"
    [[ "$output" == *dim_stores*success* ]]
    run "$WEIR" logs --run "$id"
    [[ "$output" == *dim_stores* ]]
    run "$WEIR" logs
    [[ "$output" == *sql.1* ]]
    run timeout 60 "$WEIR" down
    [ "$status" -eq 0 ]
    run "$WEIR" wait --until "run:$id"
    [ "$status" -eq 0 ]
    [ ! -e "$WEIR_STATE_DIR/control.sock" ]
}

@test "kill -9 of the supervisor: its workers go, the next one starts at once and is right" {
    timeout 60 "$WEIR" up --detach
    pid=$(cat "$WEIR_STATE_DIR/lock")
    workers=$(cat "/proc/$pid/task/$pid/children")
    [ -n "$workers" ]
    kill -9 "$pid"
    timeout 60 "$WEIR" up --detach
    for w in $workers; do
        [ ! -e "/proc/$w" ] || ! grep -q "WEIR_STATE_DIR=$WEIR_STATE_DIR" <(tr '\0' '\n' <"/proc/$w/environ")
    done
    "$WEIR" wait --until idle --timeout 60s
    [ "$("$WEIR" query "select count(*) as n from bronze.raw_transactions" -o csv | tail -1)" -eq 3474 ]
    timeout 60 "$WEIR" down
}

@test "a worker that is killed comes back and is counted" {
    timeout 60 "$WEIR" up --detach
    pid=$("$WEIR" status -o json | json "[p['pid'] for p in d['processes'] if p['name'] == 'stream.enrichment'][0]")
    kill -9 "$pid"
    "$WEIR" wait --until idle --timeout 60s
    run "$WEIR" status -o json
    [ "$(echo "$output" | json "[p['restarts'] for p in d['processes'] if p['name'] == 'stream.enrichment'][0]")" -eq 1 ]
    timeout 60 "$WEIR" down --now
    run "$WEIR" wait --until down --timeout 10s
    [ "$status" -eq 0 ]
}

@test "headless: build, test and plan need no platform that runs" {
    "$WEIR" up --once >/dev/null
    run "$WEIR" build --select dim_stores -o json
    [ "$status" -eq 0 ]
    run "$WEIR" build --select tag:none_has_this --plan
    [ "$status" -eq 3 ]
    run "$WEIR" rerun nonsense --plan
    [ "$status" -ne 0 ]
    run "$WEIR" rerun dim_stores --scope sideways
    [ "$status" -eq 2 ]
    run "$WEIR" worker nonsense
    [ "$status" -eq 2 ]
}

@test "an interrupt ends up --once in order with 130, and a second run completes it" {
    "$WEIR" up --once >"$TEST_DIR/out" 2>&1 &
    pid=$!
    "$WEIR" wait --until up --timeout 30s
    kill -INT "$pid"
    rc=0
    wait "$pid" || rc=$?
    cat "$TEST_DIR/out"
    [ "$rc" -eq 130 ]
    run "$WEIR" up --once
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$("$WEIR" query "select count(*) as n from silver.stg_transactions" -o csv | tail -1)" -eq 3474 ]
}

@test "what a schedule refreshes is part of its one run: only those nodes are rebuilt from nothing" {
    timeout 60 "$WEIR" up --detach
    "$WEIR" wait --until idle --timeout 60s
    run timeout 60 /usr/bin/python3 - "$WEIR_STATE_DIR/control.sock" <<'PY'
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rw")
def ask(cmd, **args):
    print(json.dumps({"id": 1, "cmd": cmd, "args": args}), file=f, flush=True)
    return json.loads(f.readline())["data"]
run = ask("run", command="build", select=["stg_transactions", "fct_daily_sales"],
          refresh="fct_daily_sales")["run"]
ask("wait", until=f"run:{run}")
for t in ask("tasks", run=run):
    print(t["node"].split(".")[-1], t["state"], t["item"].get("full_refresh", False), t["rows"] > 0)
PY
    echo "$output"
    [ "${lines[0]}" = "stg_transactions success False False" ]
    [ "${lines[1]}" = "fct_daily_sales success True True" ]
    timeout 60 "$WEIR" down --now
}

# What comes while the job stands still is a lag when it goes on.
@test "stream workers come and go with the lag: status says so, the tables are those of one" {
    [ "$(nproc)" -ge 2 ] || skip "needs two processors"
    zcat "$WEIR_PROJECT_DIR"/data/pos_*.jsonl.gz >"$TEST_DIR/all.jsonl"
    export WEIR_POS=$TEST_DIR/pos.jsonl WEIR_POS_ARRIVAL=
    cp "$TEST_DIR/all.jsonl" "$WEIR_POS"
    "$WEIR" up --once >/dev/null
    q="select store_id, \"window\", window_start, n, \"sum\", anomalies from bronze.store_aggregates order by 1, 2, 3"
    r="select transaction_id, anomaly_detected, anomaly_reasons from bronze.raw_transactions order by 1"
    "$WEIR" query "$q" -o csv >"$TEST_DIR/want"
    "$WEIR" query "$r" -o csv >>"$TEST_DIR/want"
    head -500 "$TEST_DIR/all.jsonl" >"$WEIR_POS"
    export WEIR_STATE_DIR=$TEST_DIR/state2 WEIR_SCALE_UP_MS=0 WEIR_SCALE_DOWN_MS=2000
    timeout 60 "$WEIR" up --detach --set streams.enrichment.workers.target_lag=0s
    "$WEIR" wait --until drained --timeout 60s
    run timeout 90 /usr/bin/python3 "$BATS_TEST_DIRNAME/scale.py" "$TEST_DIR/all.jsonl"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "2 workers: stream.enrichment stream.enrichment.1" ]
    [ "${lines[1]}" = "1 worker: stream.enrichment" ]
    "$WEIR" wait --until idle --timeout 60s
    [ "$("$WEIR" status -o json | json "[s['in'] for s in d['stages'] if s['kind'] == 'stream']")" = "[3474]" ]
    timeout 60 "$WEIR" down
    "$WEIR" up --once >/dev/null # what is open is shown as it stands, as there
    "$WEIR" query "$q" -o csv >"$TEST_DIR/got"
    "$WEIR" query "$r" -o csv >>"$TEST_DIR/got"
    diff "$TEST_DIR/want" "$TEST_DIR/got"
}

@test "the end of up --once: 80 columns, the live lines are gone, a plan is shown once" {
    run /usr/bin/python3 - "$WEIR" <<'PY'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execv(sys.argv[1], [sys.argv[1], "up", "--once"])
out = b""
try:
    while chunk := os.read(fd, 65536):
        out += chunk
except OSError:
    pass
last = out[out.rindex(b"\033[J") + 3:].decode().replace("\r", "")
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, last
print(last)
print("too wide:", [l for l in last.splitlines() if len(l) > 80])
PY
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"too wide: []"* ]]
    [[ "$output" == *"records in"* && "$output" == *"on silver.stg_transactions"* ]]
    [[ "$output" != *"stream  enrichment"* ]]
    run "$WEIR" rerun dim_stores --plan
    [ "$status" -eq 0 ]
    [ "$(grep -c "dim_stores" <<<"$output")" -eq 1 ]
}

@test "a model is put into a pool by its config; a pool nobody has is said" {
    model=$(find "$WEIR_PROJECT_DIR/models" -name dim_stores.sql)
    sed -i '1i {{ config(meta={"pool": "heavy"}) }}' "$model"
    run "$WEIR" build --select dim_stores --plan
    [[ "$output" == *'dim_stores is in the pool "heavy", which weir.yml does not have'* ]]
    printf 'pools: {heavy: {slots: 1, statement_timeout: 1h}}\n' >"$TEST_DIR/pool.yml"
    sed '/^pools:/,/^[a-z]/{/^pools:/d;/^ /d}' "$WEIR_PROJECT_DIR/weir.yml" >"$TEST_DIR/weir.yml"
    cat "$TEST_DIR/pool.yml" "$TEST_DIR/weir.yml" >"$WEIR_PROJECT_DIR/weir.yml"
    run "$WEIR" build --select dim_stores --plan -o json
    [ "$status" -eq 0 ]
    [ "$(echo "$output" | json "d['items'][0]['pool'], d['warnings']")" = "heavy []" ]
}

@test "a followed file that grows: what came late and corrections of days before are in the next build" {
    need_data pos_disorder.jsonl.gz
    zcat "$WEIR_SHARED/data/pos_disorder.jsonl.gz" >"$TEST_DIR/all.jsonl"
    export WEIR_POS=$TEST_DIR/pos.jsonl WEIR_POS_ARRIVAL=
    built() {
        "$WEIR" query "select transaction_id, total_amount, anomaly_reasons from silver.stg_transactions order by 1" -o csv
        "$WEIR" query "select daily_sales_key, transaction_count, gross_sales, anomaly_count, sales_per_sqft from gold.fct_daily_sales order by 1" -o csv
        "$WEIR" query "select * from gold.mart_department_daily order by 1, 2" -o csv
    }
    cp "$TEST_DIR/all.jsonl" "$WEIR_POS"
    "$WEIR" up --once >/dev/null
    built >"$TEST_DIR/want"
    [ "$(wc -l <"$TEST_DIR/want")" -gt 3000 ]
    head -3000 "$TEST_DIR/all.jsonl" >"$WEIR_POS"
    export WEIR_STATE_DIR=$TEST_DIR/state2
    timeout 60 "$WEIR" up --detach
    "$WEIR" wait --until idle --timeout 60s
    built >"$TEST_DIR/half"
    ! cmp -s "$TEST_DIR/want" "$TEST_DIR/half"
    tail -n +3001 "$TEST_DIR/all.jsonl" >>"$WEIR_POS"
    records() { "$WEIR" status -o json | json "d['counts']['records_in']"; }
    timeout 60 bash -c "$(declare -f records json); until [ \"\$(records)\" = 3433 ]; do :; done"
    "$WEIR" wait --until drained --timeout 60s
    run "$WEIR" build
    [ "$status" -eq 0 ]
    built >"$TEST_DIR/got"
    diff "$TEST_DIR/want" "$TEST_DIR/got"
    timeout 60 "$WEIR" down
}

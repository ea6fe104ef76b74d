#!/usr/bin/env bats
# dbt's commands by their names, on a small project.
load helper

setup() {
    setup_platform
    rm -rf "$WEIR_PROJECT_DIR"
    cp -r "$BATS_TEST_DIRNAME/../projects/shop" "$WEIR_PROJECT_DIR"
    printf 'platform: shop\nwarehouse: {schemas: [bronze, silver, gold]}\nmodels: {project: .}\n' \
        > "$WEIR_PROJECT_DIR/weir.yml"
}
teardown() { teardown_platform; }

put_snapshot() {
    mkdir -p "$WEIR_PROJECT_DIR/snapshots"
    cat > "$WEIR_PROJECT_DIR/snapshots/customers_seen.sql" <<'SQL'
{% snapshot customers_seen %}
{{ config(target_schema='gold', unique_key='id', strategy='check', check_cols='all') }}
select id, name from {{ ref('raw_customers') }}
{% endsnapshot %}
SQL
}

@test "snapshot keeps versions; build takes it along" {
    put_snapshot
    "$WEIR" seed raw_customers
    run "$WEIR" snapshot
    [ "$status" -eq 0 ]
    sed -i "s/^3,Cem/3,Cemal/" "$WEIR_PROJECT_DIR/seeds/raw_customers.csv"
    run "$WEIR" build raw_customers customers_seen
    [ "$status" -eq 0 ]
    run "$WEIR" query "select count(*) as n, count(dbt_valid_to) as closed from gold.customers_seen" -o csv
    [ "${lines[1]}" = "4,1" ]
    run "$WEIR" ls --resource-type snapshot
    [ "$output" = "shop.customers_seen.customers_seen" ]
}

@test "source freshness judges by warn_after and error_after, and writes sources.json" {
    cat > "$WEIR_PROJECT_DIR/models/fresh.yml" <<'YML'
sources:
  - name: seeded
    schema: gold
    loaded_at_field: at
    freshness: {warn_after: {count: 1, period: hour}, error_after: {count: 1, period: day}}
    tables:
      - name: arrivals
      - {name: queried, loaded_at_query: "select '2017-12-31 20:00:00'"}
      - {name: unjudged, freshness: null}
YML
    printf "{{ config(materialized='table', schema='gold') }}\nselect '2017-12-31 23:30:00' as at, 1 as ok union all select '2018-01-01 00:00:00', 0\n" \
        > "$WEIR_PROJECT_DIR/models/arrivals.sql"
    export WEIR_AS_OF=2018-01-01T00:00:00Z
    "$WEIR" run arrivals
    run "$WEIR" source freshness -o csv
    [ "$status" -eq 0 ]
    [[ "$output" == *seeded.arrivals,pass* && "$output" == *seeded.queried,warn* ]]
    [[ "$output" != *unjudged* ]]
    sed -i 's/at_field: at/at_field: at2/' "$WEIR_PROJECT_DIR/models/fresh.yml"
    run "$WEIR" source freshness
    [ "$status" -eq 1 ]
    sed -i 's/at_field: at2/at_field: at/; s/count: 1, period: hour}/&, filter: ok = 1/' \
        "$WEIR_PROJECT_DIR/models/fresh.yml"
    export WEIR_AS_OF=2018-01-01T23:40:00Z
    run "$WEIR" source freshness --select source:seeded.arrivals
    [ "$status" -eq 1 ]
    python3 - "$WEIR_STATE_DIR/target/sources.json" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
r, = d["results"]
assert r["status"] == "error" and r["max_loaded_at"].startswith("2017-12-31T23:30"), r
assert d["metadata"]["dbt_schema_version"].endswith("sources/v3.json")
PY
}

@test "parse, show, run-operation, clean" {
    run "$WEIR" parse
    [ "$status" -eq 0 ]
    python3 -m json.tool "$WEIR_STATE_DIR/target/manifest.json" >/dev/null
    "$WEIR" build --exclude source:raw
    run "$WEIR" show stg_orders --limit 2 -o csv
    [ "$status" -eq 0 ] && [ "${#lines[@]}" -eq 3 ]
    run "$WEIR" show --inline "select count(*) as n from {{ ref('raw_customers') }}" -o csv
    [ "${lines[1]}" = 3 ]
    run "$WEIR" show --inline "select count(*) > 0 as n from {{ ref('only_done') }}" -o csv
    [ "${lines[1]}" = 1 ] # an ephemeral in front
    run "$WEIR" show tag:staging
    [ "$status" -eq 2 ]
    cat > "$WEIR_PROJECT_DIR/macros/make.sql" <<'SQL'
{% macro make(name, n=1) %}{% do run_query("create table gold." ~ name ~ " as select " ~ n ~ " as n") %}{% endmacro %}
SQL
    run "$WEIR" run-operation make --args '{name: made, n: 7}'
    [ "$status" -eq 0 ]
    run "$WEIR" query "select n from gold.made" -o csv
    [ "${lines[1]}" = 7 ]
    run "$WEIR" run-operation mak
    [ "$status" -ne 0 ] && [[ "$output" == *'no macro "mak"'* ]]
    "$WEIR" clean
    [ ! -e "$WEIR_STATE_DIR/target" ]
    run "$WEIR" clean
    [ "$status" -eq 0 ] && [[ "$output" == *"was not there"* ]]
}

@test "retry runs exactly what failed or was skipped" {
    printf "{{ config(materialized='table') }} select * from bronze.later\n" \
        > "$WEIR_PROJECT_DIR/models/first.sql"
    printf "{{ config(materialized='table') }} select * from {{ ref('first') }}\n" \
        > "$WEIR_PROJECT_DIR/models/second.sql"
    run "$WEIR" build raw_customers first second
    [ "$status" -eq 1 ]
    printf "{{ config(materialized='table') }} select 1 as x\n" \
        > "$WEIR_PROJECT_DIR/models/first.sql"
    run "$WEIR" retry
    [ "$status" -eq 0 ]
    [[ "$output" == *first* && "$output" == *second* && "$output" != *raw_customers* ]]
    run "$WEIR" retry
    [ "$status" -eq 3 ]
}

@test "a failing unit test holds its model and what is below it; its difference is told" {
    cat > "$WEIR_PROJECT_DIR/models/unit.yml" <<'YML'
unit_tests:
  - name: doubles
    model: doubled
    given: [{input: ref('raw_orders'), rows: [{id: 1}]}]
    expect: {rows: [{id: 3}]}
YML
    printf "{{ config(materialized='table', schema='gold') }}\nselect id * 2 as id from {{ ref('raw_orders') }}\n" \
        > "$WEIR_PROJECT_DIR/models/doubled.sql"
    printf "select * from {{ ref('doubled') }}\n" > "$WEIR_PROJECT_DIR/models/below.sql"
    "$WEIR" seed raw_orders
    run "$WEIR" build doubled+
    [ "$status" -eq 1 ]
    [[ "$output" == *"actual differs from expected"* && "$output" == *"+++,2"* ]]
    run python3 -c "
import json, os
r = {x['unique_id']: (x['status'], x['failures']) for x in json.load(open(os.environ['WEIR_STATE_DIR'] + '/target/run_results.json'))['results']}
assert r['unit_test.shop.doubled.doubles'] == ('fail', 1), r
assert r['model.shop.doubled'][0] == 'skipped' and r['model.shop.below'][0] == 'skipped', r"
    [ "$status" -eq 0 ]
    sed -i 's/id: 3/id: 2/' "$WEIR_PROJECT_DIR/models/unit.yml"
    run "$WEIR" build doubled+
    [ "$status" -eq 0 ]
    run "$WEIR" ls test_type:unit
    [ "$output" = "unit_test:shop.doubles" ]
}

# A folder that is only dbt's, as dbt's users have it.
only_dbt() {
    rm "$WEIR_PROJECT_DIR/weir.yml"
    unset WEIR_STATE_DIR
    cd "$WEIR_PROJECT_DIR"
    printf "{{ config(materialized='table') }} select {{ var('n', 1) }} as n from main.later\n" \
        > models/first.sql
    printf "select * from {{ ref('first') }}\n" > models/second.sql
}

@test "retry takes the last run's command and flags from run_results.json" {
    only_dbt
    run "$WEIR" run -s first second --vars '{n: 7}' --threads 2
    [ "$status" -eq 1 ]
    python3 - target/run_results.json <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["args"]["which"] == "run" and d["args"]["vars"] == {"n": 7}, d["args"]
status = {r["unique_id"]: r["status"] for r in d["results"]}
hooks = {k for k in status if k.startswith("operation.")}
assert "operation.shop.shop-on-run-start-0" in hooks, status
status = {k: v for k, v in status.items() if k not in hooks}
assert status == {"model.shop.first": "error", "model.shop.second": "skipped"}, status
PY
    printf "{{ config(materialized='table') }} select {{ var('n', 1) }} as n\n" > models/first.sql
    run "$WEIR" retry
    [ "$status" -eq 0 ]
    run "$WEIR" show --inline "select n from {{ ref('second') }}" -o csv
    [ "${lines[1]}" = 7 ] # with --vars of the run that failed
    run "$WEIR" retry
    [ "$status" -eq 0 ] # dbt's status for nothing to do
}

@test "a run that was killed is completed by retry, from its journal" {
    only_dbt
    printf "{{ config(materialized='table') }} select 1 as n\n" > models/first.sql
    # hours of work, in a model that only waits for the kill
    printf "{{ config(materialized='table') }} with recursive c(i) as (select 1 union all select i + 1 from c where i < 100000000000) select count(*) as n, (select n from {{ ref('first') }}) as m from c\n" \
        > models/second.sql
    setsid "$WEIR" run -s first second --threads 1 >/dev/null 2>&1 &
    pid=$!
    until grep -q '^model.shop.first' target/run_results.journal 2>/dev/null; do
        kill -0 "$pid" # the run may not end before
    done
    kill -9 -- "-$pid"
    wait "$pid" 2>/dev/null || true
    printf "select * from {{ ref('first') }}\n" > models/second.sql
    run "$WEIR" retry
    [ "$status" -eq 0 ]
    [ ! -e target/run_results.journal ]
    python3 - target/run_results.json <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
ids = [r["unique_id"] for r in d["results"] if not r["unique_id"].startswith("operation.")]
assert ids == ["model.shop.second"], ids
PY
}

@test "docs generate writes the catalog; serve says what is left out" {
    only_dbt
    "$WEIR" build -s raw_customers stg_customers
    printf "select 1 as n\n" > models/first.sql
    "$WEIR" docs generate -q --exclude resource_type:test
    python3 - <<'PY'
import json
c = json.load(open("target/catalog.json"))
assert c["metadata"]["dbt_schema_version"].endswith("catalog/v1.json")
n = c["nodes"]["seed.shop.raw_customers"]
assert n["metadata"]["type"] == "table" and list(n["columns"])[0] == "id", n
assert n["columns"]["id"]["index"] == 0 and c["errors"] is None
assert "model.shop.second" not in c["nodes"] # not built
m = json.load(open("target/manifest.json"))["nodes"]["model.shop.second"]
assert "select * from" in m["compiled_code"] and m["compiled"] is True
PY
    run "$WEIR" docs serve
    [ "$status" -ne 0 ] && [[ "$output" == *"not part of weir"* ]]
    run "$WEIR" docs genrate
    [ "$status" -eq 2 ]
}

@test "debug checks project, profile and connection" {
    only_dbt
    run "$WEIR" debug
    [ "$status" -eq 0 ] && [[ "$output" == *connection*ok* ]]
    run "$WEIR" debug --config-dir
    [ "$status" -eq 0 ]
    printf 'name: [\n' > dbt_project.yml
    run "$WEIR" debug
    [ "$status" -eq 1 ] && [[ "$output" == *dbt_project.yml*error* ]]
}

@test "deps installs folders, tarballs and git repositories, and locks them" {
    command -v git >/dev/null || skip "no git"
    only_dbt
    mkdir -p "$TEST_DIR"/git/sub/macros "$TEST_DIR"/t/tarred-1.0/macros
    printf 'name: inner\nversion: 1.0.0\n' > "$TEST_DIR/git/sub/dbt_project.yml"
    echo '{% macro hi() %}7{% endmacro %}' > "$TEST_DIR/git/sub/macros/m.sql"
    (cd "$TEST_DIR/git" && git init -q && git add . &&
        git -c user.email=a@b -c user.name=n commit -qm x && git tag v1)
    printf 'name: tarred\nversion: 1.0.0\n' > "$TEST_DIR/t/tarred-1.0/dbt_project.yml"
    tar czf "$TEST_DIR/tarred.tgz" -C "$TEST_DIR/t" tarred-1.0
    cat >> packages.yml <<YML
  - {git: "$TEST_DIR/git", revision: v1, subdirectory: sub}
  - {tarball: "$TEST_DIR/tarred.tgz", name: tarred}
YML
    run "$WEIR" deps
    [ "$status" -eq 0 ]
    [ -f dbt_packages/inner/macros/m.sql ] && [ -f dbt_packages/tarred/dbt_project.yml ]
    [ -L dbt_packages/tools ]
    grep -q 'name: tarred' package-lock.yml && grep -q sha1_hash package-lock.yml
    run "$WEIR" show --inline "select {{ inner.hi() }} as n" -o csv
    [ "${lines[1]}" = 7 ]
    echo '  - {git: "'"$TEST_DIR"'/nothing"}' >> packages.yml
    run "$WEIR" deps
    [ "$status" -ne 0 ] && [[ "$output" == *"git did not succeed"* ]]
    sed -i '$d' packages.yml
    echo '  - {package: dbt-labs/dbt_utils, version: 1.3.0}' >> packages.yml
    run "$WEIR" deps
    [ "$status" -ne 0 ] && [[ "$output" == *"does not fetch from the hub"* ]]
}

@test "defer reads what is not built here from the state's relations" {
    only_dbt
    rm -r models seeds packages* tests
    mkdir -p models state
    printf "{{ config(materialized='table') }} select 1 as n\n" > models/a.sql
    printf "select * from {{ ref('a') }}\n" > models/b.sql
    "$WEIR" build -q
    python3 - <<'PY'
import json
m = json.load(open("target/manifest.json"))
m["nodes"]["model.shop.a"]["schema"] = "elsewhere"
json.dump(m, open("state/manifest.json", "w"))
PY
    run "$WEIR" compile b --defer --state state
    [[ "$output" != *elsewhere* ]] # it is here
    run "$WEIR" compile b --defer --state state --favor-state
    [[ "$output" == *'"elsewhere"."a"'* ]]
    run "$WEIR" compile a b --defer --state state --favor-state
    ! grep -q elsewhere target/compiled/shop/models/b.sql # it is selected
    printf "select 2 as z\n" > models/c.sql
    run "$WEIR" build -s state:modified+ --state target --plan
    [[ "$output" == *"c "*"(new)"* && "$output" != *"(modified)"* ]]
    run "$WEIR" run b --defer
    [ "$status" -eq 2 ] && [[ "$output" == *"--state DIR"* ]]
}

@test "warn-error, quiet and the structured log" {
    only_dbt
    rm -r models seeds packages* tests macros analyses
    mkdir models
    printf "select 1 as n\n" > models/a.sql
    run "$WEIR" ls nothing
    [ "$status" -eq 0 ]
    run "$WEIR" ls nothing --warn-error
    [ "$status" -eq 2 ]
    run "$WEIR" run nothing --warn-error-options '{error: all, warn: [NoNodesForSelectionCriteria]}'
    [ "$status" -eq 0 ]
    run "$WEIR" run --warn-error-options '{error: [NoNodesForSelectionCriteria]}' -s nothing
    [ "$status" -eq 2 ]
    run "$WEIR" run a --log-format json --threads 3
    [ "$status" -eq 0 ]
    python3 -c '
import json, sys
lines = [json.loads(l) for l in sys.argv[1].splitlines()]
assert [l["info"]["name"] for l in lines] == ["LogModelResult", "StatsLine"], lines
assert lines[0]["data"]["node_info"]["unique_id"] == "model.shop.a"
assert lines[1]["data"]["stats"] == {"success": 1, "total": 1}' "$output"
    printf "select * from nowhere\n" > models/b.sql
    run "$WEIR" run -q
    [ "$status" -eq 1 ] && [[ "$output" == *nowhere* && "$output" != *success* ]]
    printf 'models: [\n' > models/m.yml
    run "$WEIR" run -q
    [ "$status" -eq 2 ] && [[ "$output" == *m.yml* ]]
}

@test "source_status:fresher selects what has newer rows than at the time of --state" {
    cat > "$WEIR_PROJECT_DIR/models/fresh.yml" <<'YML'
sources:
  - name: seeded
    schema: gold
    loaded_at_field: at
    freshness: {warn_after: {count: 9, period: day}}
    tables: [{name: arrivals}, {name: others, identifier: arrivals}]
YML
    printf "{{ config(materialized='table', schema='gold') }}\nselect '2017-12-31 %s' as at\n" "23:00:00" > "$WEIR_PROJECT_DIR/models/arrivals.sql"
    printf "select * from {{ source('seeded', 'arrivals') }}\n" > "$WEIR_PROJECT_DIR/models/below.sql"
    export WEIR_AS_OF=2018-01-01T00:00:00Z
    "$WEIR" run arrivals
    "$WEIR" source freshness
    run "$WEIR" ls source_status:fresher+ --state "$TEST_DIR/none"
    [ "$status" -eq 2 ]
    cp -r "$WEIR_STATE_DIR/target" "$TEST_DIR/before"
    run "$WEIR" ls source_status:fresher+ --state "$TEST_DIR/before"
    [[ "$output" != *source:* ]]
    sed -i 's/23:00/23:30/' "$WEIR_PROJECT_DIR/models/arrivals.sql"
    "$WEIR" run arrivals
    "$WEIR" source freshness --select source:seeded.arrivals
    run "$WEIR" ls source_status:fresher+ --state "$TEST_DIR/before"
    [ "$status" -eq 0 ]
    [[ "$output" == *"source:shop.seeded.arrivals"* && "$output" == *"shop.below"* ]]
    [[ "$output" != *others* ]]
}

@test "a run that is interrupted, and one whose first hook fails, leave their results" {
    only_dbt
    rm -r models seeds packages* tests macros analyses
    mkdir models
    printf "name: shop\nversion: 1.0.0\nprofile: shop\non-run-start: \"select * from nowhere\"\n" \
        > dbt_project.yml
    printf "select 1 as n\n" > models/a.sql
    run "$WEIR" run
    [ "$status" -eq 1 ]
    python3 - <<'PY'
import json
status = {r["unique_id"]: r["status"] for r in json.load(open("target/run_results.json"))["results"]}
assert status == {"operation.shop.shop-on-run-start-0": "error", "model.shop.a": "success"}, status
PY
    printf "flags: {skip_nodes_if_on_run_start_fails: true}\n" >> dbt_project.yml
    run "$WEIR" run
    [ "$status" -eq 1 ] && [[ "$output" == *"a: on-run-start failed"* ]]
    python3 - <<'PY'
import json
status = {r["unique_id"]: r["status"] for r in json.load(open("target/run_results.json"))["results"]}
assert status == {"operation.shop.shop-on-run-start-0": "error", "model.shop.a": "skipped"}, status
PY
    printf "name: shop\nversion: 1.0.0\nprofile: shop\n" > dbt_project.yml
    printf "{{ config(materialized='table') }} with recursive c(i) as (select 1 union all select i + 1 from c where i < 100000000000) select count(*) as n from c, (select n from {{ ref('a') }})\n" \
        > models/b.sql
    "$WEIR" run --threads 1 >/dev/null 2>&1 &
    pid=$!
    until grep -q '^model.shop.a' target/run_results.journal 2>/dev/null; do
        kill -0 "$pid"
    done
    kill -TERM "$pid" # a shell's background job is deaf to INT
    wait "$pid" || true
    [ ! -e target/run_results.journal ]
    python3 - <<'PY'
import json
status = {r["unique_id"]: r["status"] for r in json.load(open("target/run_results.json"))["results"]}
assert status == {"model.shop.a": "success", "model.shop.b": "skipped"}, status
PY
}

@test "clone makes views on the relations of the state's manifest" {
    only_dbt
    rm -r models seeds packages* tests macros analyses
    mkdir -p models seeds snapshots
    printf 'name: shop\nmodels: {+schema: prod}\nseeds: {+schema: prod}\nsnapshots: {+schema: prod}\n' \
        > dbt_project.yml
    mkdir macros
    printf "{%% macro generate_schema_name(n, node) %%}{{ n if n else 'main' }}{%% endmacro %%}\n" > macros/schema.sql
    printf 'id,v\n1,x\n2,y\n' > seeds/s.csv
    printf "{{ config(materialized='table') }} select * from {{ ref('s') }}\n" > models/a.sql
    printf "select * from {{ ref('e') }}\n" > models/b.sql
    printf "{{ config(materialized='ephemeral') }} select * from {{ ref('a') }}\n" > models/e.sql
    printf "{%% snapshot snap %%}{{ config(unique_key='id', strategy='check', check_cols='all') }} select * from {{ ref('s') }}{%% endsnapshot %%}\n" > snapshots/snap.sql
    run "$WEIR" clone
    [ "$status" -eq 2 ] && [[ "$output" == *"--state DIR"* ]]
    run "$WEIR" clone --state nowhere
    [ "$status" -eq 2 ] && [[ "$output" == *"nowhere"*"manifest.json"* ]]
    "$WEIR" build -q
    cp -r target prod
    # this environment is another schema, where s is already
    sed -i 's/+schema: prod/+schema: dev/' dbt_project.yml
    "$WEIR" seed -q
    printf 'on-run-start: "select * from no_such"\n' >> dbt_project.yml
    printf "select 1 as n\n" > models/new.sql
    run "$WEIR" clone --state prod --plan
    [[ "$output" == *"clone dev.a"* && "$output" != *" e "*"clone"* ]]
    run "$WEIR" clone --state prod
    [ "$status" -eq 0 ]
    python3 - <<'PY'
import json
said = {r["unique_id"]: r["message"] for r in json.load(open("target/run_results.json"))["results"]}
assert said == {
    "model.shop.a": "view dev.a of prod.a", "model.shop.b": "view dev.b of prod.b",
    "snapshot.shop.snap": "view dev.snap of prod.snap",
    "seed.shop.s": "No-op: dev.s is here already",
    "model.shop.new": "No-op: dev.new is not in the state's manifest"}, said
PY
    printf "{{ config(materialized='table') }} select count(*) as n from {{ ref('b') }}\n" > models/new.sql
    run "$WEIR" run new # its hook fails, it is built all the same
    [ "$status" -eq 1 ] && [ "$(grep -c no_such <<<"$output")" -le 2 ]
    [ "$(sqlite3 .weir/warehouse/dev.db 'select n from new')" = 2 ]
    said=$("$WEIR" clone s --state prod --full-refresh -o json 2>/dev/null)
    python3 - "$said" <<'PY'
import json, sys
tasks = json.loads(sys.argv[1])["tasks"]
assert [(t["node"], t["state"]) for t in tasks] == [("seed.shop.s", "success")], tasks
r = json.load(open("target/run_results.json"))
assert r["args"]["which"] == "clone"
assert [x["unique_id"] for x in r["results"]] == ["seed.shop.s"], r["results"]
PY
    # a warehouse whose tables are copied for nothing
    printf "{%% macro can_clone_table() %%}{{ return(True) }}{%% endmacro %%}{%% macro create_or_replace_clone(a, b) %%}create table {{ a }} as select * from {{ b }}{%% endmacro %%}\n" > macros/copy.sql
    run "$WEIR" clone a --state prod -f
    [ "$status" -eq 0 ] && grep -q "copy dev.a of prod.a" target/run_results.json
    [ "$(sqlite3 .weir/warehouse/dev.db 'select count(*) from a')" = 2 ]
}

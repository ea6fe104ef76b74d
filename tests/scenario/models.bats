#!/usr/bin/env bats
# compile, ls and query on a small project, as a user types them.
load helper

setup() {
    setup_platform
    rm -rf "$WEIR_PROJECT_DIR"
    cp -r "$BATS_TEST_DIRNAME/../projects/shop" "$WEIR_PROJECT_DIR"
    printf 'platform: shop\nwarehouse: {schemas: [bronze, silver, gold]}\nmodels: {project: .}\n' \
        > "$WEIR_PROJECT_DIR/weir.yml"
}
teardown() { teardown_platform; }

build() { "$WEIR" build --exclude source:raw >/dev/null; }

@test "ls selects by dbt's grammar: names, paths, selectors, JSON" {
    run "$WEIR" ls -o name --select tag:staging
    [ "$status" -eq 0 ]
    grep -qx stg_orders <<< "$output"
    ! grep -qx order_log <<< "$output" # a test of it comes along, it does not
    run "$WEIR" ls -o name +order_log
    grep -qx raw_orders <<< "$output" && grep -qx order_log <<< "$output"
    ! grep -q customers_customer_id <<< "$output"
    run "$WEIR" ls -o path stg_orders
    [[ "$output" == *models/staging/stg_orders.sql* ]]
    run "$WEIR" ls stg_orders
    [[ "$output" == *shop.staging.stg_orders* ]]
    "$WEIR" ls -o json order_log | head -1 | python3 -c 'import json,sys; assert json.loads(sys.stdin.readline())["name"]'
    run "$WEIR" ls -o nmae
    [ "$status" -eq 2 ]
}

@test "compile shows the SQL of one model, ephemerals in front, and writes nothing" {
    run "$WEIR" compile customers
    [ "$status" -eq 0 ]
    [[ "$output" == *"with __dbt__cte__only_done as ("* ]]
    [ ! -e "$WEIR_STATE_DIR/warehouse/gold.db" ]
    run "$WEIR" compile tag:staging
    [[ "$output" == *"target/compiled/shop/models/staging/stg_orders.sql"* ]]
    [ -s "$WEIR_STATE_DIR/target/compiled/shop/models/staging/stg_orders.sql" ]
}

@test "a model that does not compile is named with its line; the others still compile" {
    printf 'select 1\n{%% if %%}\n' > "$WEIR_PROJECT_DIR/models/broken.sql"
    run "$WEIR" compile broken
    [ "$status" -ne 0 ]
    [[ "$output" == *models/broken.sql:2* ]]
    run "$WEIR" compile stg_orders
    [ "$status" -eq 0 ]
}

@test "build, then query: exact numbers, NULL empty in csv, the dialect's functions" {
    build
    run "$WEIR" query "select id, score, note from silver.raw_customers order by id" -o csv
    [ "$status" -eq 0 ]
    [ "${lines[1]}" = "1,1.5," ]
    [ "${lines[3]}" = "3,,x" ]
    run "$WEIR" query "select sum(amount) as s, 0.1 + 0.2 as f, '' as e from gold.order_log" -o csv
    [ "${lines[1]}" = '15.55,0.30000000000000004,""' ]
    run "$WEIR" query "select name, amount from gold.customers order by 1" -o json --limit 1
    [ "$(python3 -c 'import json,sys; print(json.loads(sys.argv[1]))' "$output")" = "[{'name': 'Ann, A.', 'amount': 12.25}]" ]
    run "$WEIR" query "select count(*) as n from gold.customers"
    [[ "${lines[1]}" == *3* ]]
}

@test "query is read-only and shows where the SQL is wrong" {
    build
    run "$WEIR" query "delete from gold.customers"
    [ "$status" -eq 2 ]
    [[ "$output" == *"only reads"* ]]
    run "$WEIR" query "select name
from gold.customers
wher 1"
    [ "$status" -eq 1 ]
    [[ "$output" == *"line 3, column 6"* ]]
    run "$WEIR" query "select 1; select 2"
    [ "$status" -eq 1 ]
    run "$WEIR" query
    [ "$status" -eq 2 ]
}

@test "a failing test keeps its model from being published and is named" {
    build
    printf '4,Dee,2017-04-01,1,true,\n4,Dee,2017-04-01,1,true,\n' >> "$WEIR_PROJECT_DIR/seeds/raw_customers.csv"
    run "$WEIR" build --exclude source:raw
    [ "$status" -eq 1 ]
    [[ "$output" == *unique_customers_customer_id* ]]
    run "$WEIR" query "select count(*) as n from gold.customers" -o csv
    [ "${lines[1]}" = 3 ]
}

@test "lineage follows a column to the sources and down again; a wrong name is told" {
    run "$WEIR" lineage customers.amount
    [ "$status" -eq 0 ]
    [[ "$output" == *raw_orders.* ]]
    run "$WEIR" lineage -d raw_orders.amount -o json
    python3 -c 'import json,sys; t=json.load(sys.stdin)[0]; assert any(c["name"]=="stg_orders" for c in t["columns"]), t' <<< "$output"
    run "$WEIR" lineage customers.amuont
    [ "$status" -eq 1 ]
    [[ "$output" == *'no column "amuont"; did you mean "amount"'* ]]
    [ ! -e "$WEIR_STATE_DIR/warehouse/gold.db" ]
}

@test "logs for programs: one object a line" {
    build
    run "$WEIR" logs sql.1 -o json
    [ "$status" -eq 0 ]
    python3 -c 'import json,sys; rows = [json.loads(l) for l in sys.stdin]; assert rows and all(set(r) == {"log", "line"} for r in rows)' <<< "$output"
}

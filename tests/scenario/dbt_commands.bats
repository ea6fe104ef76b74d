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

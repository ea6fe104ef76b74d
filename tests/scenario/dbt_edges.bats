#!/usr/bin/env bats
# Corners of dbt's semantics that its own adapter tests look into.
load helper

setup() {
    setup_platform
    rm -rf "$WEIR_PROJECT_DIR"
    mkdir -p "$WEIR_PROJECT_DIR"/{models,seeds,tests}
    cd "$WEIR_PROJECT_DIR" || return
    printf 'name: edges\nversion: "1.0"\nprofile: edges\n' > dbt_project.yml
    printf 'platform: edges\nwarehouse: {schemas: [bronze, silver, gold]}\nmodels: {project: .}\n' > weir.yml
    printf 'id,name\n1,Ann\n2,Bo\n3,Cy\n' > seeds/people.csv
}
teardown() { teardown_platform; }

results() { python3 -c 'import json, os; print(len(json.load(open(os.environ["WEIR_STATE_DIR"] + "/target/run_results.json"))["results"]))'; }

@test "a run with nothing to do leaves a run_results.json without results" {
    run "$WEIR" run
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    [ "$(results)" = 0 ]
}

@test "a selection of nothing says which criterion it was" {
    printf 'select 1 as id' > models/one.sql
    run "$WEIR" build nosuch
    [ "$status" -eq 3 ]
    [[ "$output" == *'"nosuch" selects nothing'* ]]
}

@test "a model without text is known and not built" {
    printf '\n  \n' > models/nothing.sql
    printf 'select 1 as id\n' > models/one.sql
    "$WEIR" run
    [ "$(results)" = 1 ]
}

@test "with --empty an ephemeral model gives no row either" {
    printf "{{ config(materialized='ephemeral') }}\nselect 2 as id\n" > models/passing.sql
    printf "{{ config(schema='gold', materialized='table') }}\nselect * from {{ ref('passing') }}\n" > models/top.sql
    "$WEIR" run --empty
    run "$WEIR" query "select count(*) as n from gold.top" -o csv
    [ "${lines[1]}" = 0 ]
    "$WEIR" run
    run "$WEIR" query "select count(*) as n from gold.top" -o csv
    [ "${lines[1]}" = 1 ]
}

@test "tests of a seed may stand under models:" {
    printf 'models:\n  - name: people\n    columns: [{name: id, data_tests: [not_null]}]\n' > models/props.yml
    "$WEIR" seed
    "$WEIR" test -s people
    [ "$(results)" = 1 ]
}

@test "test_name: selects unit tests by their name" {
    printf "select name from {{ ref('people') }}\n" > models/named.sql
    cat > models/unit.yml <<'YML'
unit_tests:
  - name: first_one
    model: named
    given: [{input: ref('people'), rows: [{name: Ann}]}]
    expect: {rows: [{name: Ann}]}
  - name: misspelt
    model: named
    given: [{input: ref('people'), rows: [{nam: Ann}]}]
    expect: {rows: [{name: Ann}]}
YML
    "$WEIR" seed
    "$WEIR" test -s test_name:first_one
    [ "$(results)" = 1 ]
    run "$WEIR" test -s test_name:misspelt
    [ "$status" -eq 1 ]
    [[ "$output" == *"Invalid column name: 'nam' in unit test fixture for 'people'."* ]]
}

@test "store_failures_as: a table obeys limit, a view is one, another word is an error" {
    for as in table view ephemeral error; do
        printf "{{ config(store_failures_as='$as', schema='gold', limit=2) }}\nselect * from {{ ref('people') }}\n" > "tests/kept_$as.sql"
    done
    "$WEIR" seed
    run "$WEIR" test
    [ "$status" -eq 1 ]
    [[ "$output" == *"'error' is not a valid value. Accepted values are: ['ephemeral', 'table', 'view']"* ]]
    run "$WEIR" query "select (select count(*) from gold.kept_table) as t, (select count(*) from gold.kept_view) as v" -o csv
    [ "${lines[1]}" = "2,2" ]
    run "$WEIR" query "select * from gold.kept_ephemeral"
    [ "$status" -ne 0 ]
    python3 - <<'PY'
import json, os
n = json.load(open(os.environ["WEIR_STATE_DIR"] + "/target/manifest.json"))["nodes"]
assert n["test.edges.kept_view"]["config"]["store_failures"] is True
assert n["test.edges.kept_table"]["relation_name"].endswith('"kept_table"')
assert n["test.edges.kept_ephemeral"]["relation_name"] is None
PY
}

@test "one config() with both spellings of a hook is refused" {
    printf '{{ config({"pre_hook": "select 1", "pre-hook": "select 2"}) }}\nselect 1 as id\n' > models/hooked.sql
    run "$WEIR" run
    [ "$status" -eq 2 ]
    [[ "$output" == *'models/hooked.sql: config() has both "pre_hook" and "pre-hook"'* ]]
}

@test "a seed whose hook calls ref() is refused" {
    printf 'select 1 as id\n' > models/one.sql
    printf "seeds:\n  +post-hook: \"select * from {{ ref('one') }}\"\n" >> dbt_project.yml
    run "$WEIR" parse
    [ "$status" -eq 2 ]
    [[ "$output" == *"Seeds cannot depend on other nodes"* ]]
}

@test "set_sql_header: a header of statements runs before the model, one of SQL is in front of show's" {
    printf '{%% call set_sql_header(config) %%}with v as (select 7 as n){%% endcall %%}\nselect n from v\n' > models/fronted.sql
    printf '{%% call set_sql_header(config) %%}create temp table h as select 5 as n;{%% endcall %%}\n{{ config(schema="gold", materialized="table") }}\nselect n from temp.h\n' > models/headed.sql
    run "$WEIR" show -s fronted -o csv
    [ "$status" -eq 0 ]
    [ "${lines[1]}" = 7 ]
    run "$WEIR" show -s headed -o csv
    [ "$status" -eq 0 ]
    [ "${lines[1]}" = 5 ]
    "$WEIR" run -s headed
    run "$WEIR" query "select n from gold.headed" -o csv
    [ "${lines[1]}" = 5 ]
}

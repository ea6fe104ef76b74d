#!/usr/bin/env bats
# Bad models projects: each a named error with its place, a caret where there is a line to
# show, exit 2, and nothing of it hangs or eats the machine.
load helper

setup() {
    : "${WEIR:=$PWD/build/weir}"
    export WEIR
    TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/weir-test.XXXXXX")
    mkdir -p "$TEST_DIR/p/models" "$TEST_DIR/p/macros" && cd "$TEST_DIR/p" || return 1
    printf "name: tiny\nversion: '1.0'\nprofile: tiny\n" > dbt_project.yml
    echo "tiny: {target: dev, outputs: {dev: {type: sqlite, schema: main, database: main, schemas_and_paths: {main: '$PWD/main.db'}, schema_directory: '$PWD'}}}" > profiles.yml
    echo "select 1 as id" > models/a.sql
    unset WEIR_PROJECT_DIR WEIR_STATE_DIR
}
teardown() { rm -rf "$TEST_DIR"; }

# parse fails with status 2 and says each of these.
says() {
    run timeout 60 "$WEIR" parse
    echo "$output"
    [ "$status" -eq 2 ]
    for words; do [[ "$output" == *"$words"* ]]; done
}

@test "a cycle is printed, with the files it goes through" {
    echo "select * from {{ ref('y') }}" > models/x.sql
    echo "select * from {{ ref('z') }}" > models/y.sql
    echo "select * from {{ ref('x') }}" > models/z.sql
    says "x -> y -> z -> x" models/x.sql models/y.sql models/z.sql
}

@test "a missing ref: place, caret, the nearest name; with the cache as well" {
    cp models/a.sql models/orders.sql
    printf "select 1\nfrom {{ ref('orderz') }}\n" > models/x.sql
    says "models/x.sql:2:9:" '"orderz"' 'did you mean "orders"' "from {{ ref('orderz') }}" "      |         ^"
    says "models/x.sql:2:9:" '"orderz"' # nothing changed: it is told again
}

@test "two models of one name: both files" {
    mkdir models/s && echo "select 1" > models/s/a.sql
    says '"a"' models/a.sql models/s/a.sql
}

@test "two patches of one model: both places" {
    printf "models:\n  - name: a\n" > models/p.yml
    printf "# why\nmodels:\n  - name: a\n" > models/q.yml
    says "models/q.yml:3:11:" "models/p.yml:2:11"
}

@test "a tab in YAML" {
    printf "models:\n\t- name: a\n" > models/p.yml
    says "models/p.yml:2:1:" tab "^"
}

@test "a YAML scalar of 50 MB" {
    { printf "models:\n  - name: a\n    description: "; head -c 52428800 /dev/zero | tr '\0' x; } > models/p.yml
    says "models/p.yml:1:1:" "16 MiB"
}

@test "aliases that multiply" {
    { echo "a0: &a0 [x, x, x, x, x, x, x, x, x]"
      for i in 1 2 3 4 5 6 7 8 9; do
          p=$((i - 1)); echo "a$i: &a$i [*a$p, *a$p, *a$p, *a$p, *a$p, *a$p, *a$p, *a$p, *a$p]"
      done; } > models/p.yml
    says "models/p.yml:7:" "aliases make this file too large" "^"
}

@test "a template that loops for ever, and one that calls itself" {
    printf "select 1\n{%% for i in range(100000) %%}{%% for j in range(100000) %%}{%% endfor %%}{%% endfor %%}\n" > models/x.sql
    says "models/x.sql:2:" "limit exceeded" "^"
    printf "{%% macro m() %%}{{ m() }}{%% endmacro %%}" > macros/m.sql
    printf "select {{ m() }}\n" > models/x.sql
    says "macros/m.sql:1:19: recursion limit exceeded" "called from"
}

@test "text that is not UTF-8, in SQL and in YAML: the byte's place" {
    printf "select 1,\n  '\xff\xfe'\n" > models/x.sql
    says "models/x.sql:2:4:" "0xff" "UTF-8"
    rm models/x.sql
    printf "models:\n  - name: a\n    description: \xe4\n" > models/p.yml
    says "models/p.yml:3:18:" "0xe4" "^"
}

@test "a link that leads back to its folder" {
    mkdir models/b && ln -s .. models/b/up
    says "models/b/up: this link leads back"
}

@test "a file that cannot be read" {
    ln -s nowhere models/x.sql
    says "models/x.sql: cannot be read"
    if [ "$(id -u)" -ne 0 ]; then
        rm models/x.sql && echo "select 1" > models/x.sql && chmod 000 models/x.sql
        says "models/x.sql: cannot be read: Permission denied"
    fi
}

@test "errors of files that did not change are told again, warnings too; --no-partial-parse says the same" {
    printf "select {%% if %%}\n" > models/x.sql
    printf "models:\n  - name: nobody\n    tests: [{not_null: {column_name: id}}]\n" > models/p.yml
    says "models/x.sql:1:" "nobody"
    first=$output
    says "models/x.sql:1:" "nobody"
    [ "$output" = "$first" ]
    run "$WEIR" parse --no-partial-parse
    [ "$status" -eq 2 ]
    [ "$output" = "$first" ]
}

@test "the rest of a project with one bad model can be listed and compiled" {
    printf "select {{ ref('none') }}\n" > models/x.sql
    run "$WEIR" ls
    [ "$status" -eq 0 ]
    [[ "$output" == *tiny.a* ]]
    run "$WEIR" compile -s a
    [ "$status" -eq 0 ]
}

@test "kill -9 while the cache is written leaves a project that parses" {
    for i in 1 2 3 4 5 6; do
        for k in 1 2 3 4 5 6 7 8; do echo "select $i as id" > "models/m$k.sql"; done
        "$WEIR" parse -q & pid=$!
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
        run "$WEIR" parse
        [ "$status" -eq 0 ]
        [[ "$output" == *"9 nodes"* ]]
    done
    "$WEIR" parse -q --no-partial-parse
}

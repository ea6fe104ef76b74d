#!/usr/bin/env bats
# The command line as a new user meets it: help, mistakes, a first project, documents.
load helper

setup() {
    setup_platform
    TOP=$BATS_TEST_DIRNAME/../..
    unset WEIR_PROJECT_DIR WEIR_STATE_DIR WEIR_LOG
    cd "$TEST_DIR"
}
teardown() { rm -rf "$TEST_DIR"; }

refused() { # STATUS TEXT COMMAND…: ends with the status and says the text
    local status_wanted=$1 text=$2
    shift 2
    run "$@"
    echo "$*: $status: $output"
    [ "$status" -eq "$status_wanted" ]
    [[ "$output" == *"$text"* ]]
}

commands() {
    "$WEIR" --help | sed -n '/^commands:/,/^$/p' | sed -n 's/^  \([a-z-]*\) .*/\1/p'
}

@test "weir alone shows the help and exits 2" {
    run "$WEIR"
    [ "$status" -eq 2 ]
    [[ "$output" == *"usage: weir"* ]]
    run "$WEIR" --help
    [ "$status" -eq 0 ]
}

@test "a mistyped command or option is exit 2 and the nearest name" {
    refused 2 'did you mean `weir build`?' "$WEIR" bild
    refused 2 'did you mean --version?' "$WEIR" --versoin
    refused 2 'did you mean --once?' "$WEIR" up --onse
    refused 2 'did you mean check?' "$WEIR" conf chek
    refused 2 'did you mean json?' "$WEIR" -o jsn version
    refused 2 'did you mean `weir build`?' "$WEIR" help bild
    refused 2 'takes no operand' "$WEIR" up now
    refused 2 'needs a value' "$WEIR" build --select
    refused 2 'expected a whole number' "$WEIR" runs --limit many
    refused 2 'weir init' "$WEIR" status
}

@test "every command has a help, a manual page and a completion" {
    "$WEIR" completion >completion
    [ "$(commands | wc -l)" -gt 20 ]
    for c in $(commands); do
        run "$WEIR" "$c" --help
        [ "$status" -eq 0 ]
        [[ "$output" == "weir $c: "* ]]
        [[ "$output" == *"usage: weir $c"* ]]
        echo "$output" | awk 'length($0) > 80 || / $/ { print FILENAME ": " $0; bad = 1 } END { exit bad }'
        [ "$("$WEIR" help "$c")" = "$output" ]
        [ -e "$TOP/man/weir-$c.1" ]
        grep -q "^    $c) " completion
    done
}

@test "the manual pages kept in man/ are what the tables say; all are clean mdoc" {
    "$WEIR" man-pages made >/dev/null
    for f in made/*; do
        echo "$f: run \`make man\` when it differs"
        diff "$TOP/man/$(basename "$f")" "$f"
    done
    for f in "$TOP"/man/weir-*.1; do # none of a command that is gone
        [ -e "made/$(basename "$f")" ]
    done
    command -v mandoc >/dev/null || skip "no mandoc"
    mandoc -T lint -W warning "$TOP"/man/*
}

@test "the version is there at once" {
    run "$WEIR" --version
    [ "$output" = "$("$WEIR" version)" ]
    [[ "$output" == "weir "[0-9]* ]]
    # CPU time of twenty, in ms; the sum does not depend on who else is running
    # (sanitizers start slower than that)
    nm "$WEIR" 2>/dev/null | grep -q __asan_init && skip "sanitizers"
    TIMEFORMAT='%U %S'
    spent=$( { time for _ in {1..20}; do "$WEIR" --version >/dev/null; done; } 2>&1)
    echo "$spent"
    echo "$spent" | awk '{ exit ($1 + $2) * 1000 / 20 > 10 }'
}

@test "a first project: init, build, query, what stands there is kept" {
    run "$WEIR" init shop
    [ "$status" -eq 0 ]
    [[ "$output" == *"cd shop && weir build"* ]]
    cd shop
    refused 1 "nothing was changed" "$WEIR" init
    run "$WEIR" build
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *store_sales* ]]
    run "$WEIR" query "select * from store_sales order by store_id" -o csv
    [ "$status" -eq 0 ]
    [ "$output" = $'store_id,n_days,amount\n1,2,30.75\n2,1,5' ]
    run "$WEIR" conf check
    [ "$status" -eq 0 ]
    run "$WEIR" test
    [ "$status" -eq 0 ]
    cd models # from a folder below, too
    [ "$("$WEIR" ls --select store_sales -o name | head -1)" = store_sales ]
}

@test "a file named by the caller is found where the caller is, by children as well" {
    zcat retail/data/pos_incidents.jsonl.gz | head -40 >receipts.jsonl
    WEIR_POS=receipts.jsonl run "$WEIR" up --once --project-dir retail --state-dir state \
        --set gates.transactions.block=never
    echo "$output"
    [ "$("$WEIR" query "select count(*) as n from bronze.raw_transactions" \
        --project-dir retail --state-dir state -o csv | tail -1)" = 40 ]
    refused 0 "$PWD/receipts.jsonl" env WEIR_POS="$PWD/receipts.jsonl" "$WEIR" conf show \
        --project-dir retail
}

@test "the JSON Schema takes the platforms there are and refuses mistakes" {
    "$WEIR" conf schema >schema.json
    "$WEIR" init shop >/dev/null
    /usr/bin/python3 -c 'import jsonschema, yaml' 2>/dev/null || skip "no python3-jsonschema"
    /usr/bin/python3 - schema.json retail/weir.yml shop/weir.yml <<'PY'
import json, sys, yaml, jsonschema

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
judge = jsonschema.Draft202012Validator(schema)


def plain(v):  # YAML 1.1 reads the key "on" as true
    if isinstance(v, dict):
        return {"on" if k is True else k: plain(x) for k, x in v.items()}
    return [plain(x) for x in v] if isinstance(v, list) else v


for name in sys.argv[2:]:
    for e in judge.iter_errors(plain(yaml.safe_load(open(name)))):
        sys.exit("%s: %s: %s" % (name, list(e.path), e.message))
for bad in ({"platfrom": "x"}, {"clock": "moon"}, {"sources": {"a": {"path": "x"}}},
            {"topics": {"t": {"partitions": "x"}}}, {"gates": {"g": {"suite": "s"}}}):
    assert not judge.is_valid(bad), bad
PY
}

@test "weir.yml: a mistake names its place and the nearest setting" {
    "$WEIR" init shop >/dev/null
    cd shop
    sed 's/^timezone:/timezon:/' weir.yml >w && mv w weir.yml
    refused 2 'did you mean "timezone"' "$WEIR" conf check
    [[ "$output" == *"weir.yml:5:1"* ]]
    refused 2 'weir.yml:5:1' "$WEIR" build
}

@test "a wrong question is refused in one line, not once for every row" {
    cd "$BATS_TEST_DIRNAME/../../retail"
    export WEIR_STATE_DIR=$TEST_DIR/state
    refused 1 'silver.stg_transactions does not exist' "$WEIR" gate run transactions
    [ "${#lines[@]}" -eq 1 ]
    refused 3 'has not been judged yet' "$WEIR" gate show transactions
    refused 2 'did you mean show?' "$WEIR" gate sho
    refused 0 '(none)' "$WEIR" gate quarantine transactions
    refused 1 'did you mean transactions?' "$WEIR" gate show transaction
    refused 2 'takes one statement' "$WEIR" query ' '
    "$WEIR" seed -q >/dev/null
    refused 2 'expected 1 or more' "$WEIR" runs -n 0
    refused 2 'weir query only reads' "$WEIR" query 'delete from silver.promotions'
    refused 1 'there is no run 99: `weir runs` lists them' "$WEIR" wait --until run:99
    refused 1 'where nosuch = 1: no such column: nosuch' "$WEIR" gate run --on silver.promotions \
        --suite expectations/transactions.json --where 'nosuch = 1'
    [ "${#lines[@]}" -lt 4 ]
    [ "$("$WEIR" query "select count(*)/2 from silver.promotions" | head -1)" = "count(*)/2" ]
    "$WEIR" conf check -o json | /usr/bin/python3 -c 'import json, sys; assert json.load(sys.stdin)["ok"]'
}

@test "answers for programs are JSON: runs, status, conf, version" {
    "$WEIR" init shop >/dev/null
    cd shop
    "$WEIR" build -q
    "$WEIR" runs -o json | /usr/bin/python3 -c 'import json, sys; r = json.load(sys.stdin); assert r[0]["state"] == "success", r'
    "$WEIR" runs 1 -o json | /usr/bin/python3 -c 'import json, sys; json.load(sys.stdin)'
    "$WEIR" conf show -o json | /usr/bin/python3 -c 'import json, sys; json.load(sys.stdin)'
    "$WEIR" version -o json | /usr/bin/python3 -c 'import json, sys; assert json.load(sys.stdin)["version"]'
    refused 4 "no platform" "$WEIR" status -o json
    "$WEIR" up --detach
    "$WEIR" wait --until ready --timeout 60s
    "$WEIR" status -o json | /usr/bin/python3 -c 'import json, sys; json.load(sys.stdin)'
    "$WEIR" wait --until idle --timeout 60s
    "$WEIR" down
    "$WEIR" wait --until down --timeout 60s
    refused 3 "" "$WEIR" down
}

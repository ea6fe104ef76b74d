#!/usr/bin/env bats
# PostgreSQL as the warehouse, as its users meet it: builds, the main job, what goes
# wrong. run.sh started the server (PGHOST, PGPORT; user weir, no password) and calls this.

setup() {
    top=$(cd "$BATS_TEST_DIRNAME/../../.." && pwd)
    : "${WEIR:=$top/build/weir}" "${WEIR_SHARED:=$top/../shared}"
    export WEIR WEIR_SHARED PSQLRC=/dev/null
    dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-pg-test-XXXXXX")
    db=w$BATS_TEST_NUMBER
    psql -qXc "drop database if exists $db" -c "create database $db" postgres 2>/dev/null
    export PGDATABASE=$db
    unset WEIR_PROJECT_DIR WEIR_STATE_DIR WEIR_SET DBT_TARGET DBT_PROFILES_DIR
    mkdir -p "$dir/p/models"
    cd "$dir/p"
    printf 'name: p\nprofile: p\nmodels: {p: {+materialized: table}}\n' >dbt_project.yml
    profile ''
}

teardown() {
    [ -z "${child:-}" ] || kill -KILL "$child" 2>/dev/null || true
    cd /
    rm -rf "$dir"
}

# profile 'key: value, …': what differs from the usual connection
profile() {
    cat >profiles.yml <<-END
	usual: &usual {type: postgres, host: 127.0.0.1, port: $PGPORT, user: weir, password: none, dbname: $db, schema: mart, threads: 4, retries: 0}
	p:
	  target: dev
	  outputs:
	    dev: {<<: *usual${1:+, $1}}
	END
}
model() { printf '%s\n' "$2" >"models/$1.sql"; }
value() { psql -qXAtc "$1"; }
# Waits until a query on the server gives true.
until_true() {
    for _ in $(seq 200); do
        [ "$(value "$1")" = t ] && return 0
        perl -e 'select(undef, undef, undef, 0.05)'
    done
    return 1
}

@test "a folder with only dbt files builds, twice, and its tests run first" {
    model a "select 1 as id, 'x' as name union all select 2, 'y'"
    model b "{{ config(materialized='view') }} select id from {{ ref('a') }}"
    model c "{{ config(materialized='incremental', unique_key='id') }} select id from {{ ref('b') }} {% if is_incremental() %} where id > 1 {% endif %}"
    printf 'models: [{name: a, columns: [{name: id, data_tests: [unique, not_null]}]}]\n' >models/m.yml
    run "$WEIR" build
    echo "$output"
    [ "$status" -eq 0 ]
    run "$WEIR" build
    [ "$status" -eq 0 ]
    [ "$(value 'select count(*) from mart.c')" = 2 ]
    [ "$(value "select count(*) from pg_class where relkind in ('r', 'v') and relname like '%weir\\_tmp%'")" = 0 ]
    grep -q '"mart"."a"' target/compiled/p/models/b.sql
    # a failing test keeps the table as it was
    model a "select 7 as id, 'z' as name union all select 7, 'zz'"
    run "$WEIR" build
    [ "$status" -eq 1 ]
    [ "$(value 'select sum(id) from mart.a')" = 3 ]
}

@test "an error of the server is shown at its place in the source" {
    model wrong "{{ config(materialized='view') }}
select 1 as one,
       nosuch + 1 as two
from (values (1)) as v(x)"
    run "$WEIR" build
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"models/wrong.sql:3:8"* ]]
    [[ "$output" == *'column "nosuch" does not exist'* ]]
    [[ "$output" == *"nosuch + 1 as two"* ]]
}

@test "what is wrong with a connection is named, with what to do" {
    model a "select 1 as id"
    check() { # SETTINGS STATUS TEXT…
        profile "$1"
        run "$WEIR" build
        echo "$1: $status $output"
        [ "$status" -eq "$2" ]
        shift 2
        for text in "$@"; do [[ "$output" == *"$text"* ]]; done
    }
    check 'port: 1' 1 "nothing listens there"
    check 'dbname: nowhere' 1 'database "nowhere" does not exist' createdb
    check 'user: nobody_here' 1 'role "nobody_here" does not exist' createuser
    check 'sslmode: require' 1 "does not support SSL" "sslmode"
    check 'role: nobody_here' 1 'nobody_here'
    check 'port: many' 2 "port: expected a whole number"
    check 'host: "{{ env_var(\"NOT_SET_HERE\") }}"' 2 "NOT_SET_HERE is not set"
}

@test "a wrong password, and a right one that nobody sees" {
    value "create role guarded login password 's3same-open'; grant create on database $db to guarded" 
    hba=$(value 'show hba_file')
    [ -w "$hba" ] || skip "the server's pg_hba.conf cannot be written"
    cp "$hba" "$dir/hba"
    { echo "host all guarded 127.0.0.1/32 scram-sha-256"; cat "$dir/hba"; } >"$hba"
    value 'select pg_reload_conf()'
    model a "select 1 as id"
    profile 'user: guarded, pass: wrong-one'
    run "$WEIR" build
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"password authentication failed"* ]]
    export DBT_ENV_SECRET_PW=s3same-open
    profile "user: guarded, password: \"{{ env_var('DBT_ENV_SECRET_PW') }}\""
    run "$WEIR" build
    echo "$output"
    cat "$dir/hba" >"$hba"
    value 'select pg_reload_conf()'
    [ "$status" -eq 0 ]
    ! grep -raq -e s3same -e wrong-one --exclude=profiles.yml "$dir/p"
}

@test "TLS: encrypted, the server's certificate checked, and what is wrong named" {
    data=$(value 'show data_directory')
    [ -w "$data/PG_VERSION" ] || skip "the server's folder cannot be written"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=elsewhere -keyout "$dir/key" -out "$dir/crt" 2>/dev/null
    cp "$dir/crt" "$data/server.crt"
    cp "$dir/key" "$data/server.key"
    chmod 600 "$data/server.key"
    chown --reference="$data" "$data/server.crt" "$data/server.key"
    psql -qXc 'alter system set ssl = on' -c 'select pg_reload_conf()' >/dev/null
    until_true "select setting = 'on' from pg_settings where name = 'ssl'"
    model a "select ssl::int as id from pg_stat_ssl where pid = pg_backend_pid()"
    status_of() { # SETTINGS
        profile "$1"
        run "$WEIR" build
        echo "$1: $status $output"
    }
    status_of 'sslmode: require'
    [ "$status" -eq 0 ]
    [ "$(value 'select id from mart.a')" = 1 ]
    status_of "sslmode: verify-ca, sslrootcert: $dir/crt"
    [ "$status" -eq 0 ]
    status_of "sslmode: verify-full, sslrootcert: $dir/crt"
    [ "$status" -eq 1 ]
    [[ "$output" == *"another host's"* ]]
    status_of 'sslmode: verify-ca, sslrootcert: /nowhere.pem'
    [ "$status" -eq 1 ]
    [[ "$output" == *"set sslrootcert"* ]]
    psql -qXc 'alter system reset ssl' -c 'select pg_reload_conf()' >/dev/null
}

@test "Ctrl-C cancels the statement at the server" {
    model slow "select pg_sleep(120)::text as s, 1 as id"
    "$WEIR" build >"$dir/out" 2>&1 &
    child=$!
    until_true "select count(*) > 0 from pg_stat_activity where datname = '$db' and state = 'active' and query like '%pg_sleep(120)%' and pid <> pg_backend_pid()"
    kill -INT "$child"
    status=0
    wait "$child" || status=$?
    child=
    cat "$dir/out"
    [ "$status" -eq 130 ]
    until_true "select count(*) = 0 from pg_stat_activity where datname = '$db' and state = 'active' and query like '%pg_sleep(120)%' and pid <> pg_backend_pid()"
    [ "$(value "select count(*) from pg_class where relname like 'slow%'")" = 0 ]
}

@test "a connection lost in the middle of a node: the node is tried again" {
    model slow "select pg_sleep(case when (select count(*) from public.again) > 0 then 0 else 120 end)::text as s, 1 as id"
    value 'create table public.again (x int)'
    "$WEIR" build >"$dir/out" 2>&1 &
    child=$!
    until_true "select count(*) > 0 from pg_stat_activity where datname = '$db' and state = 'active' and query like '%pg_sleep(%' and pid <> pg_backend_pid()"
    value 'insert into public.again values (1)'
    value "select pg_terminate_backend(pid) from pg_stat_activity where datname = '$db' and query like '%pg_sleep(%' and pid <> pg_backend_pid()"
    status=0
    wait "$child" || status=$?
    child=
    cat "$dir/out"
    [ "$status" -eq 0 ]
    [ "$(value 'select id from mart.slow')" = 1 ]
}

@test "fewer connections than threads" {
    value "create role narrow login connection limit 2; grant create on database $db to narrow"
    for i in 1 2 3 4 5 6; do model "m$i" "select $i as id"; done
    profile 'user: narrow, threads: 6'
    run "$WEIR" build
    echo "$output"
    [ "$status" -eq 0 ] || [[ "$output" == *"too many connections"*"fewer threads"* ]]
}

@test "names of 63 bytes and more" {
    long=a123456789b123456789c123456789d123456789e123456789f123456789_63
    model "$long" "select 1 as id"
    model "${long%?}4" "select 2 as id"
    run "$WEIR" build
    echo "$output"
    [ "$status" -eq 0 ]
    run "$WEIR" build
    [ "$status" -eq 0 ]
    [ "$(value "select id from mart.$long")" = 1 ]
    [ "$(value "select id from mart.${long%?}4")" = 2 ]
    model "${long}x" "select 3 as id"
    run "$WEIR" build
    echo "$output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"63"* ]]
    [ "$(value "select id from mart.$long")" = 1 ]
}

@test "kill -9 while a table is built: the live one stays, the next run cleans up" {
    model t "select 1 as id"
    "$WEIR" build
    model t "select 2 as id, pg_sleep(120)::text as s"
    "$WEIR" build >"$dir/out" 2>&1 &
    child=$!
    until_true "select count(*) > 0 from pg_stat_activity where datname = '$db' and state = 'active' and query like '%pg_sleep(120)%' and pid <> pg_backend_pid()"
    kill -KILL "$child"
    child=
    [ "$(value 'select id from mart.t')" = 1 ]
    model t "select 3 as id"
    value "select pg_terminate_backend(pid) from pg_stat_activity where datname = '$db' and query like '%pg_sleep(120)%' and pid <> pg_backend_pid()"
    run "$WEIR" build
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(value 'select id from mart.t')" = 3 ]
    [ "$(value "select count(*) from pg_class where relkind in ('r', 'v') and relname like '%weir%tmp%'")" = 0 ]
}

@test "the main job: files to gated gold on PostgreSQL, equal to independent results" {
    [ -e "$WEIR_SHARED/data/pos.jsonl.gz" ] || skip "no published data"
    psql -qXc "do \$\$ begin create role analytics_reader; exception when duplicate_object then null; end \$\$"
    cp -r "$top/retail" "$dir/retail"
    cd "$dir/retail"
    sed -i "s/^  sqlite: {} .*/  postgres: {host: 127.0.0.1, port: $PGPORT, user: weir, dbname: $db}/" weir.yml
    grep -q 'postgres: {' weir.yml
    export WEIR_PROJECT_DIR=$dir/retail WEIR_STATE_DIR=$dir/state
    WEIR_POS=$WEIR_SHARED/data/pos.jsonl.gz run "$WEIR" up --once
    echo "$output"
    [ "$status" -eq 0 ]
    "$top/tests/scenario/verify.py" daily
    "$top/tests/scenario/verify.py" windows pos
    "$top/tests/scenario/verify.py" anomalies pos
    [ "$(value 'select count(*) from bronze.raw_transactions')" = "$(value 'select count(distinct (kafka_partition, kafka_offset)) from bronze.raw_transactions')" ]
    before=$(value 'select md5(string_agg(x::text, chr(10) order by x::text)) from (select daily_sales_key, transaction_count, gross_sales from gold.fct_daily_sales) x')
    WEIR_POS=$WEIR_SHARED/data/pos.jsonl.gz run "$WEIR" up --once
    [ "$status" -eq 0 ]
    [ "$before" = "$(value 'select md5(string_agg(x::text, chr(10) order by x::text)) from (select daily_sales_key, transaction_count, gross_sales from gold.fct_daily_sales) x')" ]
}

#!/bin/bash
# dbt's own adapter tests (dbt-tests-adapter, from the Python package index) with weir in
# place of dbt (conftest.py), on SQLite and on a PostgreSQL of our own. Only the tests that
# dbt itself passes on that warehouse count (passes.TYPE; `run.sh TYPE --record` writes it).
# TAP on stdout, pytest's whole output in build/live/functional.TYPE.log.
#   run.sh [sqlite|postgres] [pytest option…]      e.g. run.sh sqlite -k incremental
set -u
cd "$(dirname "$0")" || exit 1
here=$PWD top=$(cd ../../.. && pwd)
cache=${WEIR_LIVE_CACHE:-$top/build/live}
venv=$cache/dbt-functional
mkdir -p "$cache"
(
    flock 9
    [ -x "$venv/bin/pytest" ] || { /usr/bin/python3 -m venv "$venv" && "$venv/bin/pip" install -q \
        'dbt-core>=1.11,<1.12' 'dbt-sqlite>=1.9' dbt-postgres dbt-tests-adapter pytest; }
) 9>"$cache/functional.lock" >"$cache/functional-install.log" 2>&1 ||
    { rm -rf "$venv"; echo "not ok - dbt could not be installed, see $cache/functional-install.log"; exit 1; }
export PYTHONWARNINGS=ignore LC_ALL=C.UTF-8 DBT_SEND_ANONYMOUS_USAGE_STATS=false
export WEIR=${WEIR:-$top/build/weir} PYTHONDONTWRITEBYTECODE=1

server() {                         # a PostgreSQL in $dir, stopped at the end
    local bin as=()
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
    [ -x "$bin/postgres" ] || { echo "1..0 # SKIP no PostgreSQL server: make deps-live"; return 1; }
    dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-fn-XXXXXX")
    if [ "$(id -u)" = 0 ]; then
        as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
        chown postgres "$dir"
    fi
    PGPORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    export PGPORT PGHOST=127.0.0.1 PGUSER=weir
    (cd "$dir" && "${as[@]}" "$bin/initdb" -D "$dir/data" -U weir -A trust --no-locale -E UTF8) \
        >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; return 1; }
    (cd "$dir" && exec "${as[@]}" "$bin/postgres" -D "$dir/data" -c listen_addresses=127.0.0.1 -c fsync=off \
        -c port="$PGPORT" -c unix_socket_directories="$dir" >"$dir/log" 2>&1) &
    pid=$!
    for _ in $(seq 300); do
        "$bin/pg_isready" -q && break
        kill -0 "$pid" 2>/dev/null || { cat "$dir/log" >&2; return 1; }
        sleep 0.1
    done
    "$bin/createdb" dbt
    for n in 1 2 3; do
        "$bin/psql" -q -c "create role dbt_test_user_$n" dbt
        export "DBT_TEST_USER_$n=dbt_test_user_$n"
    done
}

one() {                            # one TYPE [pytest option…]
    local type=$1 log=$cache/functional.$1.log
    shift
    WEIR_LIVE_TYPE=$type "$venv/bin/python" -m pytest -q -p no:cacheprovider --tb=short -rA \
        --rootdir "$work" "$@" "$here" >"$log" 2>&1
    if [ -n "$record" ]; then
        sed -n 's/^PASSED .*test_adapter.py:://p' "$log" | sort -u >"$here/passes.$type"
        return
    fi
    awk -v type="$type" '
        FNR == NR { wanted[$1] = 1; next }
        /^PASSED / { sub(/.*test_adapter.py::/, ""); good[$1] = 1 }
        /^(FAILED|ERROR) / { sub(/.*test_adapter.py::/, ""); bad[$1] = 1 }
        END {
            for (t in bad) if (t in wanted) print "not ok - " type ": " t
            for (t in good) if (t in wanted && !(t in bad)) print "ok - " type ": " t
        }' "$here/passes.$type" "$log" | sort
}

pid='' dir='' record=''
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-fn-XXXXXX")
stop() {
    [ -z "$pid" ] || { kill -INT "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; }
    rm -rf "$work" ${dir:+"$dir"}
}
trap stop EXIT
types=(sqlite postgres)
case ${1:-} in sqlite | postgres) types=("$1"); shift ;; esac
[ "${1:-}" != --record ] || { record=1; shift; export WEIR=; }
for t in "${types[@]}"; do
    [ "$t" != postgres ] || server || continue
    one "$t" "$@"
done >"$work/tap"
cat "$work/tap"
passed=$(grep -c '^ok ' "$work/tap") failed=$(grep -c '^not ok ' "$work/tap")
echo "1..$((passed + failed))"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

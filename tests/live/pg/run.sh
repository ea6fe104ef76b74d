#!/bin/bash
# The warehouse contract against a PostgreSQL of its own: started in a temporary folder
# on a free port, by a user that is not root, and stopped at the end.
set -eu
cd "$(dirname "$0")/../../.."
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
if [ ! -x "$bin/postgres" ]; then
    echo "1..0 # SKIP no PostgreSQL server: make deps-live"
    exit 0
fi
test=build/release/tests/live/pg/contract_postgres
make --no-print-directory "$test" >&2
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-pg-XXXXXX")
as=()
if [ "$(id -u)" = 0 ]; then
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
    chown postgres "$dir"
fi
pid=
stop() {
    if [ -n "$pid" ]; then
        kill -INT "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf "$dir"
}
trap stop EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
(cd "$dir" && "${as[@]}" "$bin/initdb" -D "$dir/data" -U weir -A trust --no-locale -E UTF8 >"$dir/initdb.log" 2>&1) ||
    { cat "$dir/initdb.log" >&2; exit 1; }
(cd "$dir" && exec "${as[@]}" "$bin/postgres" -D "$dir/data" -c listen_addresses=127.0.0.1 -c port="$port" \
    -c unix_socket_directories="$dir" >"$dir/log" 2>&1) &
pid=$!
export PGHOST=127.0.0.1 PGPORT=$port PGUSER=weir PGDATABASE=postgres
for _ in $(seq 300); do
    "$bin/pg_isready" -q && break
    kill -0 "$pid" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
    sleep 0.1
done
CMOCKA_MESSAGE_OUTPUT=TAP "$test"

# Starts a PostgreSQL of its own in a temporary folder, on a free port, as a user that is
# not root; sourced by the run.sh files. postgres_start sets PGHOST PGPORT PGUSER
# PGDATABASE and pg_dir; postgres_stop ends it and removes the folder.
postgres_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
postgres_pid='' pg_dir=''
postgres_is_there() {
    [ -x "$postgres_bin/postgres" ]
}
postgres_stop() {
    if [ -n "$postgres_pid" ]; then
        kill -INT "$postgres_pid" 2>/dev/null || true
        wait "$postgres_pid" 2>/dev/null || true
    fi
    postgres_pid=
    rm -rf "$pg_dir"
}
# postgres_start [OPTION…]: options of the server, such as -c max_connections=20
postgres_start() {
    local as=()
    pg_dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-pg-XXXXXX")
    if [ "$(id -u)" = 0 ]; then
        as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
        chown postgres "$pg_dir"
    fi
    PGPORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    export PGHOST=127.0.0.1 PGPORT PGUSER=weir PGDATABASE=postgres
    (cd "$pg_dir" && "${as[@]}" "$postgres_bin/initdb" -D "$pg_dir/data" -U weir -A trust --no-locale -E UTF8 >"$pg_dir/initdb.log" 2>&1) ||
        { cat "$pg_dir/initdb.log" >&2; return 1; }
    (cd "$pg_dir" && exec "${as[@]}" "$postgres_bin/postgres" -D "$pg_dir/data" -c listen_addresses=127.0.0.1 -c port="$PGPORT" \
        -c unix_socket_directories="$pg_dir" "$@" </dev/null >"$pg_dir/log" 2>&1) &
    postgres_pid=$!
    for _ in $(seq 300); do
        "$postgres_bin/pg_isready" -q && return 0
        kill -0 "$postgres_pid" 2>/dev/null || { cat "$pg_dir/log" >&2; return 1; }
        sleep 0.1
    done
    return 1
}

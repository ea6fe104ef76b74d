#!/bin/bash
# weir against real dbt-core on SQLite and PostgreSQL: every project of tests/projects and of projects/
# here, built by both; node ids, compiled SQL, statuses, rows and selections compared
# (oracle.py). TAP on stdout. Part of `make check-live`; needs Python 3 and, the first
# time, the Python package index.
#   tests/live/dbt/run.sh [PROJECT…]     names of projects; all without
#   ON=sqlite or ON=postgres: that warehouse alone
set -u
here=$(cd "$(dirname "$0")" && pwd) top=$(cd "$(dirname "$0")/../../.." && pwd)
weir=${WEIR:-$top/build/weir}
cache=${WEIR_LIVE_CACHE:-$top/build/live}
venv=$cache/dbt-1.11
. "$top/tests/live/postgres.sh"
if ! { [ -x "$venv/bin/dbt" ] && "$venv/bin/python" -c 'import dbt.adapters.postgres'; } 2>/dev/null; then
    mkdir -p "$cache"
    { /usr/bin/python3 -m venv "$venv" &&
        "$venv/bin/pip" install -q 'dbt-core>=1.11,<1.12' 'dbt-sqlite>=1.9' 'dbt-postgres>=1.9'; } >"$cache/dbt-install.log" 2>&1 ||
        { rm -rf "$venv"; echo "not ok - dbt could not be installed, see $cache/dbt-install.log"; echo 1..1; exit 1; }
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/weir-dbt-XXXXXX")
trap 'rm -rf "$work"; postgres_stop' EXIT
kinds=(sqlite)
postgres_is_there && postgres_start -c fsync=off -c max_connections=60 && kinds+=(postgres)
[ -z "${ON:-}" ] || kinds=("$ON")
projects=()
for p in "$top"/tests/projects/*/ "$here"/projects/*/ "$top"/retail/; do
    [ $# = 0 ] || [[ " $* " == *" $(basename "$p") "* ]] || continue
    for kind in "${kinds[@]}"; do projects+=("$kind" "$p"); done
done
export PYTHONWARNINGS=ignore LC_ALL=C.UTF-8 DBT_SEND_ANONYMOUS_USAGE_STATS=false
one() {
    local of
    of=$5/$(basename "$6").$4
    "$1/bin/python" "$2/oracle.py" "$3" "$6" "$of" "$4" >"$of.tap" 2>"$of.err" ||
        { echo "not ok - $(basename "$6") on $4: the comparison itself ended early"; tail -5 "$of.err" | sed 's/^/#     /'; } >>"$of.tap"
}
export -f one
printf '%s\0' "${projects[@]}" | xargs -0 -P 2 -n 2 bash -c 'one "$1" "$2" "$3" "$5" "$4" "$6"' _ "$venv" "$here" "$weir" "$work"
cat "$work"/*.tap
passed=$(cat "$work"/*.tap | grep -c '^ok ')
failed=$(cat "$work"/*.tap | grep '^not ok ' | grep -vc '# TODO')
known=$(cat "$work"/*.tap | grep -c '^not ok .*# TODO')
echo "1..$((passed + failed + known))"
echo "$passed passed, $failed failed, $known known differences"
[ "$failed" = 0 ]

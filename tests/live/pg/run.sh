#!/bin/bash
# PostgreSQL as the warehouse, against a server of its own: the warehouse contract, then
# the scenarios of postgres.bats (builds, the main job, what goes wrong).
set -u
cd "$(dirname "$0")/../../.."
. tests/live/postgres.sh
if ! postgres_is_there; then
    echo "1..0 # SKIP no PostgreSQL server: make deps-live"
    exit 0
fi
test=build/release/tests/live/pg/contract_postgres
make --no-print-directory "$test" >&2 || exit 1
trap postgres_stop EXIT
postgres_start -c max_connections=40 || exit 1
status=0
CMOCKA_MESSAGE_OUTPUT=TAP "$test" || status=1
bats --tap tests/live/pg/postgres.bats || status=1
exit "$status"

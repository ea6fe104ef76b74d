#!/bin/bash
# `make check-live`: weir against real servers and real dbt, whatever has a folder here
# with a run.sh. Each prints TAP; the status is 1 when one of them fails.
set -u
status=0
for t in "$(dirname "$0")"/*/run.sh; do
    echo "# $(basename "$(dirname "$t")")"
    "$t" || status=1
done
exit "$status"

#!/bin/bash
# make demo: a platform in a temporary state folder, on the sample data of retail/data. With
# a terminal it opens the console, which shows the data come in and the first build; without
# one it runs to the end. Both say what to try next.
set -eu
cd "$(dirname "$0")"
weir=$PWD/build/weir
state=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX")
unset WEIR_POS WEIR_POS_ARRIVAL WEIR_STORES WEIR_PRODUCTS WEIR_MIN_ROWS WEIR_SET WEIR_AS_OF
export WEIR_PROJECT_DIR=$PWD/retail WEIR_STATE_DIR=$state
rc=0
if [ -t 0 ] && [ -t 1 ]; then
    trap '"$weir" down --now >/dev/null 2>&1 || true' EXIT
    "$weir" up --detach
    "$weir" console || rc=$?
    "$weir" down || true
    trap - EXIT
else
    "$weir" up --once || rc=$?
fi
cat <<EOF

Look around (the state of this demo is in $state; remove it when you are done):
  export WEIR_PROJECT_DIR=$WEIR_PROJECT_DIR WEIR_STATE_DIR=$state
  build/weir query "select * from gold.mart_department_daily order by net_sales desc limit 10"
  build/weir anomalies --severity high
  build/weir runs
  build/weir gate run transactions
  build/weir rerun fct_daily_sales --plan
  build/weir up --detach && build/weir console      # stays up; \`build/weir down\` ends it
EOF
exit $rc

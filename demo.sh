#!/bin/bash
# make demo: a platform in a temporary state folder, on the sample data of retail/data. With
# a terminal it opens the console on it; without one it runs to the end and says what to
# try next.
set -eu
cd "$(dirname "$0")"
weir=$PWD/build/weir
state=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX")
export WEIR_PROJECT_DIR=$PWD/retail WEIR_STATE_DIR=$state
if [ -t 0 ] && [ -t 1 ]; then
    "$weir" up --detach
    "$weir" console || true
    "$weir" down || true
    echo "The platform's state is in $state (remove it when you are done)."
    exit 0
fi
rc=0
"$weir" up --once || rc=$?
cat <<EOF

Look around (the state of this demo is in $state):
  export WEIR_PROJECT_DIR=$WEIR_PROJECT_DIR WEIR_STATE_DIR=$state
  build/weir query "select * from gold.mart_department_daily order by net_sales desc limit 10"
  build/weir anomalies --severity high
  build/weir runs            build/weir lag            build/weir gate run transactions
  build/weir rerun fct_daily_sales --plan
  build/weir up              # stays up: then \`build/weir console\` in another terminal
EOF
exit $rc

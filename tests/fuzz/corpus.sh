#!/bin/bash
# Runs a fuzz target over its kept corpus, one TAP line a file: corpus.sh TARGET FOLDER
set -u
n=0 bad=0
for f in "$2"/*; do
    n=$((n + 1))
    if out=$("$1" "$f" 2>&1); then
        echo "ok $n - $(basename "$f")"
    else
        echo "not ok $n - $(basename "$f")"; echo "$out" | tail -20; bad=1
    fi
done
echo "1..$n"
exit $bad

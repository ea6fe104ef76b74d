#!/bin/bash
# Platforms on generated receipts against an independent oracle (TAP).
#   tests/oracle/run.sh [FIRST-SEED COUNT [LINES]]
# Each seed is another set of receipts: one run of it; the file growing by pieces over
# several runs, or arriving as larger and larger .gz files; several stream workers; and
# the stream's workers killed. All must give what oracle.py computes from the whole.
set -u
cd "$(dirname "$0")/../.." || exit 2
weir=${WEIR:-$PWD/build/weir} here=tests/oracle
first=${1:-1} count=${2:-4} lines=${3:-700}
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-oracle.XXXXXX")
trap 'rm -rf "$dir"' EXIT
unset WEIR_PROJECT_DIR WEIR_STATE_DIR WEIR_SET WEIR_AS_OF
cp -r retail "$dir/retail"
sed 's/workers: {min: 1,/workers: {min: 3,/' retail/weir.yml >"$dir/three.yml"
grep -q 'min: 3,' "$dir/three.yml" || { echo "Bail out! retail/weir.yml has no workers"; exit 1; }

# up STATE [VAR=VALUE…]: one `weir up --once`; its messages if it fails
up() {
    local state=$1
    shift
    env "$@" "$weir" up --once --project-dir "$dir/retail" --state-dir "$state" \
        >"$dir/out" 2>"$dir/err" && return 0
    echo "# weir up ended with $?"
    tail -3 "$dir/err" | sed 's/^/# /'
    return 1
}

agrees() { # STATE [OPTION…]
    local state=$1
    shift
    "$here/compare.py" "$state" "$set/receipts.jsonl" --stores "$set/stores.csv" \
        --planted "$set/planted.json" "${arrival[@]}" "$@" >"$dir/diff" && return 0
    head -15 "$dir/diff" | cut -c1-300 | sed 's/^/# /'
    return 1
}

whole() {
    up "$set/one" WEIR_POS="$set/receipts.jsonl" && agrees "$set/one"
}

several_workers() {
    cp "$dir/three.yml" "$dir/retail/weir.yml"
    up "$set/many" WEIR_POS="$set/receipts.jsonl" && agrees "$set/many"
    local rc=$?
    cp retail/weir.yml "$dir/retail/weir.yml"
    return $rc
}

growing() { # the same file, longer in each run
    local at
    for at in $((n / 4)) $((n / 2 + seed % 7)) $((n * 3 / 4)); do
        head -n "$at" "$set/receipts.jsonl" >"$set/growing.jsonl"
        up "$set/growing" WEIR_POS="$set/growing.jsonl" || return 1
    done
    cat "$set/receipts.jsonl" >"$set/growing.jsonl"
    up "$set/growing" WEIR_POS="$set/growing.jsonl" && agrees "$set/growing"
}

larger() { # another, larger .gz in each run
    head -n $((n * 2 / 5)) "$set/receipts.jsonl" | gzip >"$set/a.jsonl.gz"
    gzip -c "$set/receipts.jsonl" >"$set/b.jsonl.gz"
    up "$set/larger" WEIR_POS="$set/a.jsonl.gz" &&
        up "$set/larger" WEIR_POS="$set/b.jsonl.gz" && agrees "$set/larger"
}

# The supervisor and all its children killed a few times, at moments that the seed gives.
killed() {
    local k seconds
    for k in 1 2 3; do
        seconds=0.$(((seed * 37 + k * 211) % 9 + 1))
        (WEIR_POS="$set/receipts.jsonl" timeout -s KILL "$seconds" "$weir" up --once \
            --project-dir "$dir/retail" --state-dir "$set/killed") >/dev/null 2>&1
    done 2>/dev/null
    up "$set/killed" WEIR_POS="$set/receipts.jsonl" && agrees "$set/killed"
}

number=0 failed=0
check() { # NAME FUNCTION
    number=$((number + 1))
    if "$2" >"$dir/said"; then
        echo "ok $number - seed $seed: $1"
    else
        echo "not ok $number - seed $seed: $1"
        cat "$dir/said"
        failed=$((failed + 1))
    fi
}

for ((seed = first; seed < first + count; seed++)); do
    set=$dir/s$seed arrival=(--arrival "$dir/s$seed/receipts.arrival.csv.gz")
    option=
    [ $((seed % 4)) = 3 ] && option=--no-arrival arrival=()
    "$here/generate.py" "$set" "$seed" "$lines" $option || exit 1
    export WEIR_STORES=$set/stores.csv WEIR_PRODUCTS=$set/products.csv.gz
    export WEIR_POS_ARRIVAL=${arrival[1]:-auto}
    n=$(wc -l <"$set/receipts.jsonl")
    check "one run" whole
    case $((seed % 4)) in
    0) check "several stream workers" several_workers ;;
    1) check "a file that grows" growing ;;
    2) check "a larger file" larger ;;
    3) check "killed three times" killed ;;
    esac
    rm -rf "$set"
done
echo "1..$number"
[ "$failed" = 0 ]

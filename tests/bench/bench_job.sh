#!/bin/bash
# The whole year times COPIES (default 8: 1.25 M receipts, 11.7 M lines, 1.9 GB) from file to
# gated gold, as seconds and as a ratio to sqlite3 merely importing the same lines, in the
# same run. Needs the published data and ~12 GB of disk; prints a line and ends without it.
set -u
scale=${WEIR_SHARED:-../shared}/data/scale.py
copies=${COPIES:-8}
[ -e "$scale" ] || { echo "   no published data: not run"; exit 0; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
/usr/bin/python3 "$scale" --copies "$copies" >"$dir/pos.jsonl"
# the copies' stores: ids + 100000 k, else as the originals
/usr/bin/python3 - "$(dirname "$scale")/stores.csv" "$copies" >"$dir/stores.csv" <<'P'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
w = csv.DictWriter(sys.stdout, rows[0].keys(), lineterminator="\n")
w.writeheader()
for k in range(int(sys.argv[2])):
    for r in rows:
        w.writerow({**r, "store_id": int(r["store_id"]) + 100000 * k})
P
now() { date +%s.%N; }
a=$(now)
printf '%s\n' 'pragma journal_mode=wal;' 'create table t(line text);' '.mode ascii' \
    '.separator "\037" "\n"' ".import $dir/pos.jsonl t" | sqlite3 "$dir/base.db" >/dev/null
b=$(now)
rm -f "$dir"/base.db*
mkdir "$dir/state"
WEIR_PROJECT_DIR=$PWD/retail WEIR_STATE_DIR=$dir/state WEIR_POS=$dir/pos.jsonl WEIR_STORES=$dir/stores.csv \
    /usr/bin/python3 "$(dirname "$0")/job.py" "$dir/out" -- "$WEIR" up --once
rc=$?
c=$(now)
tail -45 "$dir/out"
n=$(wc -l <"$dir/pos.jsonl")
awk -v a="$a" -v b="$b" -v c="$c" -v n="$n" -v rc=$rc -v size="$(stat -c %s "$dir/pos.jsonl")" 'BEGIN {
    printf "   %d receipts, %.0f MB, exit %d: %.1f s, %.0f receipts/s, %.1f MB/s; bare sqlite3 import %.1f s, ratio %.2f (target: 90 s)\n",
        n, size / 1e6, rc, c - b, n / (c - b), size / 1e6 / (c - b), b - a, (c - b) / (b - a)}'
du -sh "$dir/state" | sed 's/^/   state folder: /'
[ -z "${WEIR_BENCH_TABLE:-}" ] || awk -v a="$b" -v c="$c" -v rc=$rc -v n="$copies" \
    -v machine="$(cut -d' ' -f1 /proc/loadavg)" 'BEGIN {
    verdict = (c - a <= 90 && rc == 0 && n >= 8) ? "ok" : "MISSED"
    printf "the year times %d, to gated gold\t<= 90 s\t%.1f s (exit %d, load %s)\t%s\n", n,
        c - a, rc, machine, verdict }' >>"$WEIR_BENCH_TABLE"

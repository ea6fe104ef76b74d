#!/bin/bash
# What a compiler does not see: the layer rule on includes, table rows without file, test
# or page, long functions and files, vendor headers outside their room, format.
set -u
cd "$(dirname "$0")/../.." || exit 2
bad=0
say() { echo "lint: $*"; bad=1; }

# 1. Layers: a room includes itself and lower layers only.
layer() {
    case $1 in
    base) echo 0 ;;
    conf|state|wire|jinja|bus|warehouse) echo 1 ;;
    ingest|lag|stream|load|model|quality|alert|serve) echo 2 ;;
    orchestrate|supervise) echo 3 ;;
    cmd|worker|ui) echo 4 ;;
    *) echo 9 ;;
    esac
}
while IFS=: read -r file line text; do
    from=$(echo "$file" | cut -d/ -f2)
    to=$(echo "$text" | sed -n 's/.*#include "\([a-z]*\)\/.*/\1/p')
    [ -z "$to" ] || [ "$to" = weir ] || [ "$from" = "$to" ] && continue
    a=$(layer "$from") b=$(layer "$to")
    if [ "$b" -gt "$a" ] || { [ "$a" = "$b" ] && [ "$a" -ge 1 ] && ! allowed_pair=$(echo "$from $to" | grep -xE \
        '(state|bus|warehouse|wire) conf|supervise orchestrate|worker cmd|cmd worker|cmd ui'); }; then
        say "$file:$line: $from may not include $to (layer rule, src/README.md)"
    fi
done < <(grep -nE '^#include "[a-z]+/' src/*/*.[ch])
while IFS=: read -r file line text; do
    say "$file:$line: ui sees only wire, base and the command table"
done < <(grep -nE '^#include "[a-z]+/' ui/*.[ch] ui/views/*.[ch] | grep -vE ':#include "(ui|base|wire|cmd)/')
while IFS=: read -r file line text; do
    say "$file:$line: a plugin sees only include/weir and plugins/common"
done < <(grep -nE '^#include "[a-z]+/' plugins/*/*.[ch] | grep -vE ':#include "(weir|common|plugins/common)/')

# 2. Vendor handles stay in their room.
vendor() {
    grep -lE "#include <$1" src/*/*.[ch] ui/*.[ch] ui/views/*.[ch] 2>/dev/null | grep -vE "$2" |
        while read -r f; do echo "lint: $f: <$1 may only be included by $2"; done
}
out=$( vendor 'librdkafka/' '^src/bus/.*kafka' ; vendor 'sqlite3.h' '^src/(bus/[a-z_]*\.[ch]|warehouse/wh_sqlite[a-z_]*\.[ch]|state/[a-z_]*\.c|stream/snapshot[a-z_]*\.c)$'
       vendor 'n?curses.h' '^ui/' ; vendor 'yaml.h' '^src/(base|conf|model)/' ; vendor 'uv.h' '^src/supervise/'; vendor 'pcre2.h' '^src/(base|warehouse|jinja|model|quality)/' )
[ -n "$out" ] && { echo "$out"; bad=1; }

# 3. Rows: a command has a file, a doc line, a mention in a test; the same for the other tables.
rows() { sed -n 's/^ *X(\([a-z_]*\).*/\1/p' "$1" 2>/dev/null; }
for c in $(rows src/cmd/cmd.list); do
    grep -qs "cmd_$c = {" src/cmd/*.c || say "src/cmd/cmd.list: $c has no row struct in src/cmd"
    grep -rqsE "\b${c//_/-}\b" tests --include=*.bats --include=*.c --include=*.t --include=*.sh || say "command $c: no test mentions it"
done
for f in src/cmd/[a-z]*.c; do
    name=$(sed -n 's/^const struct cmd cmd_\([a-z_]*\) = {.*/\1/p' "$f")
    for n in $name; do rows src/cmd/cmd.list | grep -qx "$n" || say "$f: cmd_$n has no row in cmd.list"; done
done
for v in $(rows ui/views/view.list); do
    ls ui/views/"$v".c >/dev/null 2>&1 || say "ui/views/view.list: $v has no file"
    grep -rqs "$v" tests/screen || say "view $v: no screen test mentions it"
done
for x in $(rows src/quality/expectation.list); do
    grep -rqsE "\b(expect_)?$x\b" tests/unit || say "expectation $x: no unit test mentions it"
done
for p in plugins/*/plugin.c; do
    d=$(dirname "$p")
    [ -e "$d/README.md" ] || say "$d: no README.md"
    ls "$d"/sample* >/dev/null 2>&1 || say "$d: no sample data"
    grep -rqs "$(basename "$d")" tests/unit || say "$d: no test mentions it"
done
for p in include/weir/*.h src/*/*.h; do
    gcc -std=gnu17 -fsyntax-only -D_GNU_SOURCE -Isrc -Iinclude -I. -include src/base/banned.h \
        $(pkg-config --cflags ncursesw libpq) -x c "$p" 2>/dev/null || say "$p: does not compile alone"
done

# 4. Nothing left open, nothing of the workplace.
grep -nE '\b(TODO|FIXME|XXX|HACK)\b' -r src ui plugins include retail man 2>/dev/null | grep -v 'XXXXXX' | while read -r l; do echo "lint: $l"; done | tee /tmp/lint.$$ | head -20
[ -s /tmp/lint.$$ ] && bad=1; rm -f /tmp/lint.$$

# 5. Long functions (over 80 lines) and files (over 700) are listed; functions over 150 fail.
if command -v ctags >/dev/null; then
    ctags --languages=C --kinds-C=f --fields=+ne -x --_xformat='%{end} %n %F %N' src/*/*.c ui/*.c ui/views/*.c plugins/*/*.c 2>/dev/null |
        awk '$1-$2 >= 80 {printf "lint: note: %s:%d: %s is %d lines\n", $3, $2, $4, $1-$2+1}
             $1-$2 >= 150 {bad=1} END {exit bad}' || bad=1
fi
wc -l src/*/*.c ui/*.c ui/views/*.c 2>/dev/null | awk '$2 != "total" && $1 > 700 {print "lint: note: " $2 " has " $1 " lines"}'

# 6. Format.
if command -v clang-format >/dev/null; then
    n=$(clang-format --dry-run src/*/*.[ch] ui/*.[ch] ui/views/*.[ch] plugins/*/*.[ch] 2>&1 | grep -c 'warning: code should be clang-formatted')
    [ "$n" = 0 ] || say "$n places are not formatted: make fmt"
fi
[ $bad = 0 ] && echo "lint: clean"
exit $bad

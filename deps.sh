#!/bin/bash
# Installs what weir needs from Debian's packages, only what is missing.
#   ./deps.sh         build, run, test
#   ./deps.sh live    also what the live tests start
set -eu
need="build-essential git pkg-config libncurses-dev librdkafka-dev libpq-dev libsqlite3-dev libuv1-dev libyaml-dev
libjansson-dev libpcre2-dev libssl-dev libxxhash-dev liblz4-dev zlib1g-dev libcmocka-dev bats valgrind
tmux tzdata python3-jinja2 python3-jsonschema python3-yaml bc sqlite3 mandoc clang clang-format libclang-rt-14-dev libsimdjson-dev universal-ctags"
[ "${1:-}" = live ] && need="$need postgresql python3-venv openssl perl"
missing=
for p in $need; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
echo "weir: installing:$missing"
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null

#!/bin/bash
# Builds the fuzz targets with libFuzzer and runs each for FUZZ_SECONDS (default 60) on its
# corpus; what it finds is left in build/fuzz/.
set -eu
cd "$(dirname "$0")/../.."
secs=${FUZZ_SECONDS:-60}
make -j"$(nproc)" CC=clang SAN=address,undefined,fuzzer-no-link B=build/fuzz build/fuzz/libweir.a >/dev/null
for src in tests/fuzz/fuzz_*.c; do
    t=$(basename "$src" .c)
    corpus=tests/fuzz/corpus/$t
    mkdir -p "build/fuzz/$t.found" "$corpus"
    clang -std=gnu17 -g -O1 -fsanitize=address,undefined,fuzzer -D_GNU_SOURCE -DWEIR_LIBFUZZER=1 -Isrc -Iinclude -I. -Itests \
        $(pkg-config --cflags jansson sqlite3) -o "build/fuzz/$t" "$src" build/fuzz/libweir.a \
        $(pkg-config --libs ncursesw sqlite3 libuv yaml-0.1 jansson libpcre2-8 libcrypto libxxhash liblz4 zlib rdkafka) -lm -ldl
    echo "== $t for $secs s"
    "build/fuzz/$t" -max_total_time="$secs" -print_final_stats=1 -artifact_prefix="build/fuzz/$t." \
        "build/fuzz/$t.found" "$corpus" 2>&1 | tail -6
done

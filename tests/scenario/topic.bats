#!/usr/bin/env bats
# What lies on the bus, who has read it, and moving a group: weir topic and weir lag.
load helper

setup() { setup_platform; }
teardown() { teardown_platform; }

@test "topics, records, groups after a run; a group is moved and forgotten; mistakes" {
    "$WEIR" up --once >/dev/null

    run "$WEIR" topic ls -o csv
    [ "$status" -eq 0 ]
    [ "$(echo "$output" | grep '^transactions,' | cut -d, -f2,3)" = 100,3474 ]
    [ "$(echo "$output" | grep '^stores,' | cut -d, -f3)" = 457 ]

    # offsets are dense: the ranges add up to the records
    [ "$("$WEIR" topic show transactions -o csv | tail -n +2 | awk -F, '{n += $4} END {print n}')" = 3474 ]

    # the newest and the first records; each is the receipt as it came
    run "$WEIR" topic tail transactions --limit 2
    [ "$(echo "$output" | wc -l)" -eq 2 ]
    [[ "$output" == *STORE_*_TXN_*'{"transaction_id"'* ]]
    [ "$("$WEIR" topic tail transactions --from begin --limit 10000 -o json | grep -c '"offset"')" -eq 3474 ]

    # every group has read everything
    run "$WEIR" lag -o csv
    [[ "$output" == *load-raw_transactions* ]]
    [ "$(echo "$output" | tail -n +2 | awk -F, '{n += $4} END {print n}')" = 0 ]

    # a plan changes nothing; a reset does; a second one has nothing to do
    run "$WEIR" topic reset load-anomalies anomalies --to begin --plan
    [ "$status" -eq 0 ]
    [ "$("$WEIR" lag -o csv | grep '^load-anomalies' | cut -d, -f4)" = 0 ]
    run "$WEIR" topic reset load-anomalies anomalies --to begin
    [ "$status" -eq 0 ]
    [ "$("$WEIR" lag -o csv | grep '^load-anomalies' | cut -d, -f4)" = 167 ]
    run "$WEIR" topic reset load-anomalies anomalies --to begin
    [ "$status" -eq 3 ]
    run "$WEIR" topic forget load-anomalies
    [ "$status" -eq 0 ]
    [[ "$("$WEIR" lag -o csv)" != *load-anomalies* ]]

    # mistakes are named
    run "$WEIR" topic tail nope
    [ "$status" -eq 1 ]
    [[ "$output" == *"no topic nope"* ]]
    run "$WEIR" topic show transactions --partition 100
    [ "$status" -eq 2 ]
    [[ "$output" == *"partitions 0 to 99"* ]]
    run "$WEIR" topic reset stream:enrichment transactions --to yesterday
    [ "$status" -eq 2 ]
    [[ "$output" == *"begin, end, an offset or a time"* ]]
    run "$WEIR" topic rest
    [ "$status" -eq 2 ]
    [[ "$output" == *"did you mean reset"* ]]
}

@test "before the first run there is no bus, and the message says what makes one" {
    run "$WEIR" topic ls
    [ "$status" -eq 1 ]
    [[ "$output" == *"weir up"* ]]
    run "$WEIR" lag
    [ "$status" -eq 1 ]
    [[ "$output" == *"weir up"* ]]
}

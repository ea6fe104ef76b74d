# e goes to what failed or wants a look; y copies; :dump that fails says why.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 5
feed processes fixtures/processes.json
key e
dump 3-9
===
 process                    state      pid     restarts       up   memory   cpu
 ingest.pos                 + ready    4101           0   1h 01m  18.8 MB   42%
 ingest.stores              + done                    0        -        -     -
 stream.enrichment          + ready    4107           0   1h 01m  62.5 MB   88%
>load.raw_transactions      ! backoff                 3        -        -     -
 sql.1                      + ready    4111           0   1h 01m  41.5 MB   12%
 sql.2                      x failed                  5        -        -     -
===
key e
dump 3-9
===
 process                    state      pid     restarts       up   memory   cpu
 ingest.pos                 + ready    4101           0   1h 01m  18.8 MB   42%
 ingest.stores              + done                    0        -        -     -
 stream.enrichment          + ready    4107           0   1h 01m  62.5 MB   88%
 load.raw_transactions      ! backoff                 3        -        -     -
 sql.1                      + ready    4111           0   1h 01m  41.5 MB   12%
>sql.2                      x failed                  5        -        -     -
===
key e
dump 3-9
===
 process                    state      pid     restarts       up   memory   cpu
 ingest.pos                 + ready    4101           0   1h 01m  18.8 MB   42%
 ingest.stores              + done                    0        -        -     -
 stream.enrichment          + ready    4107           0   1h 01m  62.5 MB   88%
>load.raw_transactions      ! backoff                 3        -        -     -
 sql.1                      + ready    4111           0   1h 01m  41.5 MB   12%
 sql.2                      x failed                  5        -        -     -
===
key y
dump 23-23
===
 copied load.raw_transactions
===
key Y
dump 23-23
===
 copied the row
===
command dump /nonexistent/screen.txt
dump 23-23
===
 /nonexistent/screen.txt.tmp: create: No such file or directory
===
command dump
dump 23-23
===
 into which file? :dump FILE
===
key 1 j j j j j j e
dump 23-23
===
 no row here failed or wants a look
===
key R
dump 23-23
===
 nothing to run again under the cursor; :rerun NODE or :run-models
===
# why the stage under the cursor failed, as far as there is room
feed overview fixtures/overview_failed.json
key g
dump 3-4
===
 flow     stage              state             in     rate    lag progress
>  source pos                x failed     103,317        -      0 #####...  66%
===
dump 23-23
===
 given up: exited with status 1: source pos: /srv/data/pos_all.jsonl.gz: short~
===

# What the supervisor keeps alive; narrow, then with all columns.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 5
feed processes fixtures/processes.json
dump
===
 retail > processes                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 process                    state      pid     restarts       up   memory   cpu
>ingest.pos                 + ready    4101           0   1h 01m  18.8 MB   42%
 ingest.stores              + done                    0        -        -     -
 stream.enrichment          + ready    4107           0   1h 01m  62.5 MB   88%
 load.raw_transactions      ! backoff                 3        -        -     -
 sql.1                      + ready    4111           0   1h 01m  41.5 MB   12%
 sql.2                      x failed                  5        -        -     -
 lag                        + ready    4113           0   1h 01m  12.3 MB    0%
 alert                      . down                    0        -        -     -












 r restart  s stop/start  Enter open  / filter  : command  ? help  q back
===
size 120x24
dump 3-12
===
 process                         state      pid     restarts       up   memory   cpu    beat detail
>ingest.pos                      + ready    4101           0   1h 01m  18.8 MB   42%    0.3s
 ingest.stores                   + done                    0        -        -     -       - next in 54m
 stream.enrichment               + ready    4107           0   1h 01m  62.5 MB   88%    0.1s
 load.raw_transactions           ! backoff                 3        -        -     -       - exit status 1, again in 4s
 sql.1                           + ready    4111           0   1h 01m  41.5 MB   12%    0.8s model.retail.sales_by_dep~
 sql.2                           x failed                  5        -        -     -       - 5 deaths in 60 s; s start~
 lag                             + ready    4113           0   1h 01m  12.3 MB    0%    0.7s
 alert                           . down                    0        -        -     -       - stopped by root

===
key j j j
command sort rss_kb desc
dump 3-12
===
 process                         state      pid     restarts       up  memoryv   cpu    beat detail
 stream.enrichment               + ready    4107           0   1h 01m  62.5 MB   88%    0.1s
 sql.1                           + ready    4111           0   1h 01m  41.5 MB   12%    0.8s model.retail.sales_by_dep~
 ingest.pos                      + ready    4101           0   1h 01m  18.8 MB   42%    0.3s
 lag                             + ready    4113           0   1h 01m  12.3 MB    0%    0.7s
 ingest.stores                   + done                    0        -        -     -       - next in 54m
>load.raw_transactions           ! backoff                 3        -        -     -       - exit status 1, again in 4s
 sql.2                           x failed                  5        -        -     -       - 5 deaths in 60 s; s start~
 alert                           . down                    0        -        -     -       - stopped by root

===
key O
dump 3-5
===
 process                         state      pid     restarts       up  memory^   cpu    beat detail
 ingest.stores                   + done                    0        -        -     -       - next in 54m
>load.raw_transactions           ! backoff                 3        -        -     -       - exit status 1, again in 4s
===

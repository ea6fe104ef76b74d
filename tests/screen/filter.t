# / narrows while typing and shows what matched; Esc puts it back; ! hides.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 5
feed processes fixtures/processes.json
key /
type sql
dump
===
 retail > processes                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 process                    state      pid     restarts       up   memory   cpu
>sql.1                      + ready    4111           0   1h 01m  41.5 MB   12%
 sql.2                      x failed                  5        -        -     -















 ------------------------------------------------------------------------------
 model.retail.sales_by_department
/sql
 Enter keep   C-u empty   Esc as before
===
dump roles 3-5
===
 hhhhhhh                    hhhhh      hhh     hhhhhhhh       hh   hhhhhh   hhh
sfffssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss
 fff                        e eeeeee
===
key Esc
dump 3-6
===
 process                    state      pid     restarts       up   memory   cpu
>ingest.pos                 + ready    4101           0   1h 01m  18.8 MB   42%
 ingest.stores              + done                    0        -        -     -
 stream.enrichment          + ready    4107           0   1h 01m  62.5 MB   88%
===
key /
type !sql
key Enter
dump
===
 retail > processes                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 process                    state      pid     restarts       up   memory   cpu
>ingest.pos                 + ready    4101           0   1h 01m  18.8 MB   42%
 ingest.stores              + done                    0        -        -     -
 stream.enrichment          + ready    4107           0   1h 01m  62.5 MB   88%
 load.raw_transactions      ! backoff                 3        -        -     -
 lag                        + ready    4113           0   1h 01m  12.3 MB    0%
 alert                      . down                    0        -        -     -













 filter: !sql   (Esc shows all)                                  1-6 of 6 found
 r restart  s stop/start  Enter open  / filter  : command  ? help  q back
===
key Esc
dump 3-12
===
 process                    state      pid     restarts       up   memory   cpu
>ingest.pos                 + ready    4101           0   1h 01m  18.8 MB   42%
 ingest.stores              + done                    0        -        -     -
 stream.enrichment          + ready    4107           0   1h 01m  62.5 MB   88%
 load.raw_transactions      ! backoff                 3        -        -     -
 sql.1                      + ready    4111           0   1h 01m  41.5 MB   12%
 sql.2                      x failed                  5        -        -     -
 lag                        + ready    4113           0   1h 01m  12.3 MB    0%
 alert                      . down                    0        -        -     -

===
key /
type zzz
dump 3-6
===
 process                    state      pid     restarts       up   memory   cpu

  nothing matches the filter

===
# what is folded away is found: the overview unfolds while it is filtered
key Esc Esc
feed overview fixtures/overview_many.json
key 1
dump 3-8
===
 flow     stage              state             in     rate    lag progress
>  source pos                > running    103,317  41.2k/s      0 #####...  66%
          11 at rest         . idle        96,388        -      -
 v stream enrichment         > running     98,120  38.9k/s   5.2k #######.  94%
 v bronze raw_transactions   > running     97,000  35.1k/s   1.0k #######.  98%
          raw_stores         . idle           457        -      0
===
key /
type s4
dump 3-8
===
 flow     stage              state             in     rate    lag progress
>         s4                 + done           400        -      0 ######## 100%

 run        > running  #12 build  ########........ 23/41  1 failed  12s left
 freshness  bronze + ok 12s   silver + ok 3m 10s   gold ! warn 1h 06m > 1h 05m
 counts     196,105 records  2 alerts  12 rejected  1,204 anomalies  3 late
===

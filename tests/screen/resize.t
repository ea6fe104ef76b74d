# Any size at any moment; below 80x24 it says so and works.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
size 60x15
dump
===
 retail > overview                      dev   running  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 a~
 flow     stage                 state             in    lag
>  source pos                   > running    103,317      0
          stores                + done           457      0
          products              + done        92,331      0
 v stream enrichment            > running     98,120   5.2k

 run        > running  #12 build  23/41  1 failed  12s left
 freshness  bronze + ok 12s   silver + ok 3m 10s   gold ! w~
 counts     196,105 records  2 alerts  12 rejected
 gates      x stores fail 2 of 6   + transactions 8/8

                                                   1-4 of 8
 R rerun  Enter open  / filter        60x15, made for 80x24
===
key 5
feed processes fixtures/processes.json
dump
===
 retail > processes                     dev   running  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 a~
 process                       state      restarts       up
>ingest.pos                    + ready           0   1h 01m
 ingest.stores                 + done            0        -
 stream.enrichment             + ready           0   1h 01m
 load.raw_transactions         ! backoff         3        -
 sql.1                         + ready           0   1h 01m
 sql.2                         x failed          5        -
 lag                           + ready           0   1h 01m
 alert                         . down            0        -



 r restart  s stop/start  Enter open  60x15, made for 80x24
===
size 25x5
dump
===
25x5 is too small for we~
please enlarge; q leaves



===
size 200x50
dump 1-12
===
 retail > processes                                                                                                                                      dev   running  data 2017-06-15 06:04 UTC  live
 1 overview  2 lag  3 runs  4 anomalies  5 processes  6 logs  7 alerts(2)  8 gates
 process                          state      pid     restarts       up   memory   cpu    beat detail
>ingest.pos                       + ready    4101           0   1h 01m  18.8 MB   42%    0.3s
 ingest.stores                    + done                    0        -        -     -       - next in 54m
 stream.enrichment                + ready    4107           0   1h 01m  62.5 MB   88%    0.1s
 load.raw_transactions            ! backoff                 3        -        -     -       - exit status 1, again in 4s
 sql.1                            + ready    4111           0   1h 01m  41.5 MB   12%    0.8s model.retail.sales_by_department
 sql.2                            x failed                  5        -        -     -       - 5 deaths in 60 s; s starts it again
 lag                              + ready    4113           0   1h 01m  12.3 MB    0%    0.7s
 alert                            . down                    0        -        -     -       - stopped by root

===
key r
size 80x24
dump 8-18
===
 sql.1                      + ready    4111           0   1h 01m  41.5 MB   12%
 s +- Restart a process ----------------------------------------------------+ -
 l | Restart ingest.pos                                                     | %
 a | It is stopped and started again; it goes on where it committed.        | -
   | Environment: dev                                                       |
   |                                                                        |
   | [ Cancel ]  [ Restart ]                                                |
   +------------------------------------------------------------------------+



===
size 40x10
dump
===
 retail > process~  dev   running  live
 1 overview 2 lag 3 runs 4 anomalies 5 ~
 p +- Restart a process ------------+ ta
>i | Restart ingest.pos             |
 i | It is stopped and started aga~ |
 s | Environment: dev               |
 l | [ Cancel ]  [ Restart ]        |
 s +--------------------------------+
                               1-5 of 8
 y yes   n no   ~ 40x10, made for 80x24
===
# the blocks under the flow stop above the last two lines
key q 1
size 40x12
dump
===
 retail > overview  dev   running  live
 1 overview 2 lag 3 runs 4 anomalies 5 ~
 flow     stage            state
>  source pos              > running
          stores           + done
          products         + done
 v stream enrichment       > running

 run        > running  #12 build  23/41
 freshness  bronze + ok 12s   silver + ~
                               1-4 of 8
 R rerun          40x12, made for 80x24
===

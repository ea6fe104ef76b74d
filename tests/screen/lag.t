# Groups with verdicts, the heat strip of the one under the cursor, its partitions.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 2
feed lag fixtures/lag.json
key j
dump
===
 retail > lag                         dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 group                 topic             verdict         lag   behind caught up
 load:anomalies        anomalies         x stall         900   2h 05m         -
>stream:enrichment     transactions      ! warn        5,180      31s    3m 04s
 load:raw_transactions enriched-transac~ + ok          1,034     0.9s        0s
 load:raw_stores       stores            ? unknown         0       0s         -

 -- stream:enrichment on transactions warn ------------------------------------
 offsets move but the lag never drops: it is slower than what comes in
 100 partitions, the worst is 41 with 310 behind; Enter lists them
 ._.:-=+*#_.:-=+*#_.:--=+*#_.:-=+*#_.:-=+*##_.:-=+*#_.:-=+*#_.:--=+*#_.:-=+*#_.
 :-=+*##_.:-=+*#_.:-=+*

 topic                      partitions       records      size newest
 transactions                      100       155,848   65.0 MB 06:04:10
 enriched-transactions             100        98,034   51.2 MB 06:04:09
 stores                              1           457   41.2 kB 05:04:11





 Enter open  / filter  : command  ? help  q back  e next problem  y copy id
===
dump roles 9-13
===
 bbtttttttttttttttttttttttttttttttttttwwww bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb

 mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm
 mooowwweeooowwweeooowwwweeooowwweeooowwweeeooowwweeooowwweeooowwwweeooowwweeoo
 owwweeeooowwweeooowwwe
===
key g
dump 9-14
===
 -- load:anomalies on anomalies stall -----------------------------------------
 commits come but offsets stand still: look at its log
 8 partitions, the worst is 3 with 200 behind; Enter lists them
 -..#++++

 topic                      partitions       records      size newest
===
key Enter
dump
===
 retail > lag > load:anomalies/anom~  dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
  partition         lagv of the lag
>         3          200        22% #######............................  22%
          4          150        17% #####..............................  17%
          5          150        17% #####..............................  17%
          6          150        17% #####..............................  17%
          7          150        17% #####..............................  17%
          0          100        11% ###................................  11%
          1            0         0% ...................................   0%
          2            0         0% ...................................   0%












 Enter open  / filter  : command  ? help  q back  e next problem  y copy id
===
key Esc
size 160x40
dump
===
 retail > lag                                                                                                    dev   running  data 2017-06-15 06:04 UTC  live
 1 overview  2 lag  3 runs  4 anomalies  5 processes  6 logs  7 alerts(2)  8 gates
 group                 topic             verdict         lag   behind caught up       in      out  worst  part samples partitions
>load:anomalies        anomalies         x stall         900   2h 05m         -     10/s      0/s    200     3 10/10   -..#++++
 stream:enrichment     transactions      ! warn        5,180      31s    3m 04s  41.2k/s  38.9k/s    310    41 10/10   .=#:+#-+#-*#=##=#:+#-+#-*#=##=#:+*
 load:raw_transactions enriched-transac~ + ok          1,034     0.9s        0s  38.9k/s  39.0k/s     40     7 10/10   :*:#-#-#-#-#-*=*=#=#=#=#+#+*+*+#+#
 load:raw_stores       stores            ? unknown         0       0s         -      0/s      0/s      0     0 3/10    .

 -- load:anomalies on anomalies stall -------------------------------------------------------------------------------------------------------------------------
 commits come but offsets stand still: look at its log
 8 partitions, the worst is 3 with 200 behind; Enter lists them
 -..#++++

 topic                                partitions       records      size newest
 transactions                                100       155,848   65.0 MB 06:04:10
 enriched-transactions                       100        98,034   51.2 MB 06:04:09
 stores                                        1           457   41.2 kB 05:04:11






















 Enter open  / filter  : command  ? help  q back  e next problem  y copy id
===

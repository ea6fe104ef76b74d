# Choose a log; following stops on the way up and says so; nothing moves then; search.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 6
feed processes fixtures/processes.json
dump 3-12
===
 log of                     kind       state      restarts detail
>ingest.pos                 ingest     + ready           0
 ingest.stores              ingest     + done            0 next in 54m
 stream.enrichment          stream     + ready           0
 load.raw_transactions      load       ! backoff         3 exit status 1, agai~
 sql.1                      sql        + ready           0 model.retail.sales_~
 sql.2                      sql        x failed          5 5 deaths in 60 s; s~
 lag                        lag        + ready           0
 alert                      alert      . down            0 stopped by root

===
key Enter
feed log:ingest.pos fixtures/log.json
dump
===
 retail > logs > ingest.pos           dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 06:03:41 info  stream: line 70, partition 0 at offset 70000
 06:03:42 info  stream: line 71, partition 1 at offset 71000
 06:03:43 warn  stream: line 72, partition 2 at offset 72000
 06:03:44 info  stream: line 73, partition 3 at offset 73000
 06:03:45 error stream: line 74, partition 4 at offset 74000
 06:03:46 info  stream: line 75, partition 5 at offset 75000
 06:03:47 info  stream: line 76, partition 6 at offset 76000
 06:03:48 warn  stream: line 77, partition 0 at offset 77000
 06:03:49 info  stream: line 78, partition 1 at offset 78000
 06:03:50 error stream: line 79, partition 2 at offset 79000
 06:03:51 info  stream: line 80, partition 3 at offset 80000
 06:03:52 info  stream: line 81, partition 4 at offset 81000
 06:03:53 warn  stream: line 82, partition 5 at offset 82000
 06:03:54 info  stream: line 83, partition 6 at offset 83000
 06:03:55 error stream: line 84, partition 0 at offset 84000
 06:03:56 info  stream: line 85, partition 1 at offset 85000
 06:03:57 info  stream: line 86, partition 2 at offset 86000
 06:03:58 warn  stream: line 87, partition 3 at offset 87000
 06:03:59 info  stream: line 88, partition 4 at offset 88000
 06:04:00 error stream: line 89, partition 5 at offset 89000
                                                             following 90 lines
 F follow  w wrap  / search  : command  ? help  q back  e next problem
===
key k k
dump 20-24
===
 06:03:56 info  stream: line 85, partition 1 at offset 85000
 06:03:57 info  stream: line 86, partition 2 at offset 86000
 06:03:58 warn  stream: line 87, partition 3 at offset 87000
                               FOLLOW STOPPED, line 88 of 90, 0 new (G follows)
 F follow  w wrap  / search  : command  ? help  q back  e next problem
===
feed log:ingest.pos fixtures/log_more.json
dump 20-24
===
 06:03:56 info  stream: line 85, partition 1 at offset 85000
 06:03:57 info  stream: line 86, partition 2 at offset 86000
 06:03:58 warn  stream: line 87, partition 3 at offset 87000
                     FOLLOW STOPPED, line 88 of 90, 120 or more new (G follows)
 F follow  w wrap  / search  : command  ? help  q back  e next problem
===
type /offset 43
key Enter
dump 10-24
===
 06:03:11 info  stream: line 40, partition 5 at offset 40000
 06:03:12 info  stream: line 41, partition 6 at offset 41000
 06:03:13 warn  stream: line 42, partition 0 at offset 42000
 06:03:14 info  stream: line 43, partition 1 at offset 43000
 06:03:15 error stream: line 44, partition 2 at offset 44000
 06:03:16 info  stream: line 45, partition 3 at offset 45000
 06:03:17 info  stream: line 46, partition 4 at offset 46000
 06:03:18 warn  stream: line 47, partition 5 at offset 47000
 06:03:19 info  stream: line 48, partition 6 at offset 48000
 06:03:20 error stream: line 49, partition 0 at offset 49000
 06:03:21 info  stream: line 50, partition 1 at offset 50000
 06:03:22 info  stream: line 51, partition 2 at offset 51000
 06:03:23 warn  stream: line 52, partition 3 at offset 52000
                     FOLLOW STOPPED, line 53 of 90, 120 or more new (G follows)
 F follow  w wrap  / search  : command  ? help  q back  e next problem
===
dump roles 12-15
===
 mmmmmmmm wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww
 mmmmmmmm                                       fffffffff
 mmmmmmmm eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
 mmmmmmmm
===
key n
dump 23-23
===
                     FOLLOW STOPPED, line 53 of 90, 120 or more new (G follows)
===
key G
dump 20-24
===
 06:04:28 line 117 after the burst
 06:04:29 line 118 after the burst
 06:04:30 line 119 after the burst
                                        1042 lines dropped  following 120 lines
 F follow  w wrap  / search  : command  ? help  q back  e next problem
===
key l l
dump 20-23
===
 06:04:28 he burst
 06:04:29 he burst
 06:04:30 he burst
                                        1042 lines dropped  following 120 lines
===
key ]
dump 1-1
===
 retail > logs > ingest.stores        dev   running  2017-06-15 06:04 UTC  live
===
# long lines: cut with a sign, wrapped on demand
feed log:ingest.stores {"lines":[{"at_ms":1497506600000,"stream":"err","text":"2017-06-15T06:03:20.000Z error ingest.stores: stores.csv:17: 9 columns where the header has 8; the snapshot is refused, the last good one stays; correct the file and sync again with :sync stores"},{"at_ms":1497506601000,"stream":"out","text":"short"}],"dropped":0,"seq":1}
dump 1-8
===
 retail > logs > ingest.stores        dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 06:03:20 error stores.csv:17: 9 columns where the header has 8; the snapshot i~
 06:03:21 short




===
key w
dump 1-8
===
 retail > logs > ingest.stores        dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 06:03:20 error stores.csv:17: 9 columns where the header has 8; the snapshot is
           refused, the last good one stays; correct the file and sync again wit
          h :sync stores
 06:03:21 short


===
key w h h
dump 3-5
===
 06:03:20 error stores.csv:17: 9 columns where the header has 8; the snapshot i~
 06:03:21 short

===

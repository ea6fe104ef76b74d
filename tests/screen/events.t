# All events, the newest first, the whole text of one under the table.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key E
dump
===
 retail > overview > events           dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 time        level    source                  event
>06:04:09    . info   run 12                  23 of 41 done
 06:03:51    ! warn   load.raw_transactions   restarted (1), exit status 1
 06:03:20    x error  gate.stores             1 of 6 checks failed: column reg~
 06:03:01    ! warn   stream.enrichment       12 records rejected: wrong_type ~
 06:02:36    . info   ingest.pos              reading pos_all.jsonl.gz from li~
 05:02:31    . info   supervisor              platform retail started











 ------------------------------------------------------------------------------
 23 of 41 done

 Enter open  / filter  : command  ? help  q back  e next problem  y copy id
===
key j j
dump 20-24
===

 ------------------------------------------------------------------------------
 1 of 6 checks failed: column region must not be null, 3 rows in quarantine

 Enter open  / filter  : command  ? help  q back  e next problem  y copy id
===
key q
dump 1-1
===
 retail > overview                    dev   running  2017-06-15 06:04 UTC  live
===
command events
dump 1-4
===
 retail > overview > events           dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 time        level    source                  event
>06:04:09    . info   run 12                  23 of 41 done
===
# after a run the overview shows how the last one ended
key q
feed runs fixtures/runs.json
feed overview fixtures/overview_idle.json
dump 9-16
===
          raw_stores         . idle           457        -      0
 v models models             > running          -        -      -
 v gates  transactions       . waiting          -        -      -

 run        > running  #12 build  ########........ 23/41  1 failed
 freshness  bronze + ok 12s   silver + ok 3m 10s   gold ! warn 1h 06m > 1h 05m
 counts     196,105 records  2 alerts  12 rejected  1,204 anomalies  3 late
 gates      x stores fail 1 of 6   + transactions 8/8
===

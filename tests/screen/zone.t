# Times are those of the platform's time zone, and the clock says which: the run of the
# evening before in UTC is of the same day there.
size 100x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview_zone.json
dump 1-1
===
 retail > overview                                dev   running  data 2017-06-15 02:04 -04:00  live
===
key 3
feed runs fixtures/runs.json
dump 1-8
===
 retail > runs                                    dev   running  data 2017-06-15 02:04 -04:00  live
 1 overview  2 lag  3 runs  4 anomalies  5 processes  6 logs  7 alerts(2)  8 gates
  runv state       command  reason             started         took done             failed skipped
>   12 > running   build    schedule hourly    02:03:29         42s ##..       23/41      1       0
    11 + success   rerun    rerun fct_daily_s~ 01:33:29         43s ####         7/7      0       0
    10 # blocked   build    schedule daily     06-14 01:04   1m 40s ##..       30/41      1      10
     9 x failed    test     requested          06-14 00:47      10s ####       12/12      2       0

===
key 8
dump 1-14
===
 retail > gates                                   dev   running  data 2017-06-15 02:04 -04:00  live
 1 overview  2 lag  3 runs  4 anomalies  5 processes  6 logs  7 alerts(2)  8 gates
 gate                 on                         verdict   failed checks passed         judged
>transactions         silver.stg_transactions    + pass         0      8 ######### 100% 02:03:10
 stores               silver.stg_stores          x fail         1      6 #######..  83% 02:03:20

 freshness of                   layer    verdict         age warn over breach over newest
 bronze.raw_transactions        bronze   + ok            12s    2m 00s      5m 00s 02:03:59
 silver.stg_transactions        silver   + ok         3m 10s   10m 00s     15m 00s 02:01:01
 gold.fct_daily_sales           gold     ! warn       1h 06m    1h 05m      1h 30m 00:57:41




===
key Enter
dump 1-8
===
 retail > gates > transactions                    dev   running  data 2017-06-15 02:04 -04:00  live
 1 overview  2 lag  3 runs  4 anomalies  5 processes  6 logs  7 alerts(2)  8 gates
 verdict   expect                                column                 failing        of severity

  waiting for data



===

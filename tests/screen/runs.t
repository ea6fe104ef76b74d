# Runs, tasks of one, log of a task.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
answer log {"lines":[{"text":"2017-06-15T06:03:31.120Z error sql.2: no such column: store_size_sqft"},{"text":"plain words of a hook"}],"dropped":0}
key 3
feed runs fixtures/runs.json
dump
===
 retail > runs                        dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
  runv state       command  reason       started         took done       failed
>   12 > running   build    schedule ho~ 06:03:29         42s 23/41           1
    11 + success   rerun    rerun fct_d~ 05:33:29         43s 7/7             0
    10 # blocked   build    schedule da~ 06-14 05:04   1m 40s 30/41           1
     9 x failed    test     requested    06-14 04:47      10s 12/12           2













 ------------------------------------------------------------------------------
 schedule hourly

 c cancel  Enter open  / filter  : command  ? help  q back  e next problem
===
key Enter
feed tasks:12 fixtures/tasks.json
key j j
dump
===
 retail > runs > run 12               dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 node                     kind   state       try started         took      rows
 departments              seed   + success     1 06:03:29       0.08s        31
 stg_transactions         run    + success     1 06:03:30       3.41s   155,848
>dim_stores               run    x error       3 06:03:31       0.31s         0
 fct_daily_sales          run    # blocked     0 -                  -         -
 not_null_stg_transactio~ test   + pass        1 06:03:33       0.02s         0
 sales_by_department      run    > running     1 06:04:10           -         -
 transactions             gate   . waiting     0 -                  -         -





 ------------------------------------------------------------------------------
 models/marts/dim_stores.sql:14:9: no such column: store_size_sqft; did you
 mean s.store_size_sqft?
        14 | select a.store_size_sqft
           |        ^
     (line 9 of the compiled SQL)
 model.retail.dim_stores

 R rerun  Enter open  / filter  : command  ? help  q back  e next problem
===
key Enter
dump
===
 retail > runs > run 12 > dim_stores  dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 models/marts/dim_stores.sql:14:9: no such column: store_size_sqft; did you mea~
        14 | select a.store_size_sqft
           |        ^
     (line 9 of the compiled SQL)
 06:03:31 error no such column: store_size_sqft
 plain words of a hook














                                                                        6 lines
 F follow  w wrap  / search  : command  ? help  q back  e next problem
===
key q q
dump 1-8
===
 retail > runs                        dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
  runv state       command  reason       started         took done       failed
>   12 > running   build    schedule ho~ 06:03:29         42s 23/41           1
    11 + success   rerun    rerun fct_d~ 05:33:29         43s 7/7             0
    10 # blocked   build    schedule da~ 06-14 05:04   1m 40s 30/41           1
     9 x failed    test     requested    06-14 04:47      10s 12/12           2

===

# Verdicts, and the freshness of what they guard.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 8
dump
===
 retail > gates                       dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 gate              on                       verdict   failed checks judged
>transactions      silver.stg_transactions  + pass         0      8 06:03:10
 stores            silver.stg_stores        x fail         1      6 06:03:20

 freshness of                layer    verdict         age warn over breach over
 bronze.raw_transactions     bronze   + ok            12s    2m 00s      5m 00s
 silver.stg_transactions     silver   + ok         3m 10s   10m 00s     15m 00s
 gold.fct_daily_sales        gold     ! warn       1h 06m    1h 05m      1h 30m













 R rerun  Enter open  / filter  : command  ? help  q back  e next problem
===
key j Enter
dump 1-12
===
 retail > gates > stores              dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 member                   value
>name                     stores
 on                       silver.stg_stores
 verdict                  fail
 at_ms                    2017-06-15 06:03:20.000 UTC
 failed                   1
 total                    6
 passed                   83


===

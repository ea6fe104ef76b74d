# Alerts and acknowledging one.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 7
feed alerts fixtures/alerts.json
dump
===
 retail > alerts                      dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 timev       severity   state      summary
>06:03:41    x high     x failing  TXN0031007: 10,250.00 in store 301, AMOUNT_~
 06:03:20    x critical ! open     gate stores failed on silver.stg_stores: co~
 04:07:31    ! warn     + acked    sql.2 died 5 times in 60 s













 ------------------------------------------------------------------------------
 TXN0031007: 10,250.00 in store 301, AMOUNT_OUTLIER OFF_HOURS
 key anomaly:TXN0031007  https 503; next try in 8s

 a ack  Enter open  / filter  : command  ? help  q back  e next problem
===
key a
dump 8-18
===

   +- Acknowledge an alert -------------------------------------------------+
   | Acknowledge anomaly:TXN0031007                                         |
   | It is no longer open; a new alert of its kind comes again.             |
   | Environment: dev                                                       |
   |                                                                        |
   | [ Cancel ]  [ Acknowledge ]                                            |
   +------------------------------------------------------------------------+



===
key Tab Enter
dump 23-23
===
 ack anomaly:TXN0031007: done
===
sent
===
{"args":{"key":"anomaly:TXN0031007"},"cmd":"ack"}
===

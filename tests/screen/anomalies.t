# Newest first; pause holds still and counts; f shows one reason.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 4
feed anomalies fixtures/anomalies.json
dump
===
 retail > anomalies                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 timev       severity  transaction                     total reasons
>06:04:11    . normal  STORE_300_TXN_41400800000       12.40 AMOUNT_OUTLIER
 06:03:58    x high    STORE_301_TXN_41400800007   10,250.00 AMOUNT_OUTLIER OF~
 06:03:45    . normal  STORE_302_TXN_41400800014        3.50 HIGH_VELOCITY
 06:03:32    . normal  STORE_303_TXN_41400800021      881.10 OFF_HOURS
 06:03:19    . normal  STORE_304_TXN_41400800028       12.40 AMOUNT_OUTLIER
 06:03:06    x high    STORE_305_TXN_41400800035   10,250.00 AMOUNT_OUTLIER OF~
 06:02:53    . normal  STORE_306_TXN_41400800042        3.50 HIGH_VELOCITY
 06:02:40    . normal  STORE_307_TXN_41400800049      881.10 OFF_HOURS
 06:02:27    . normal  STORE_308_TXN_41400800056       12.40 AMOUNT_OUTLIER
 06:02:14    x high    STORE_300_TXN_41400800063   10,250.00 AMOUNT_OUTLIER OF~
 06:02:01    . normal  STORE_301_TXN_41400800070        3.50 HIGH_VELOCITY
 06:01:48    . normal  STORE_302_TXN_41400800077      881.10 OFF_HOURS
 06:01:35    . normal  STORE_303_TXN_41400800084       12.40 AMOUNT_OUTLIER
 06:01:22    x high    STORE_304_TXN_41400800091   10,250.00 AMOUNT_OUTLIER OF~
 06:01:09    . normal  STORE_305_TXN_41400800098        3.50 HIGH_VELOCITY
 06:00:56    . normal  STORE_306_TXN_41400800105      881.10 OFF_HOURS
 06:00:43    . normal  STORE_307_TXN_41400800112       12.40 AMOUNT_OUTLIER
 06:00:30    x high    STORE_308_TXN_41400800119   10,250.00 AMOUNT_OUTLIER OF~
 06:00:17    . normal  STORE_300_TXN_41400800126        3.50 HIGH_VELOCITY
                                                          following  1-19 of 60
 f reason  Space pause  Enter open  / filter  : command  ? help  q back
===
key Space
feed anomalies [{"at_ms":1497506660000,"transaction_id":"TXN_NEW","store_id":"1","terminal_id":"T1","total":1,"reasons":["OFF_HOURS"],"severity":"normal"}]
dump 1-6
===
 retail > anomalies                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 timev       severity  transaction                     total reasons
>06:04:11    . normal  STORE_300_TXN_41400800000       12.40 AMOUNT_OUTLIER
 06:03:58    x high    STORE_301_TXN_41400800007   10,250.00 AMOUNT_OUTLIER OF~
 06:03:45    . normal  STORE_302_TXN_41400800014        3.50 HIGH_VELOCITY
===
dump 23-23
===
                                      PAUSED, 1 new (Space goes on)  1-19 of 60
===
key Space
dump 3-5
===
 timev       severity  transaction                     total reasons
>06:04:20    . normal  TXN_NEW                          1.00 OFF_HOURS

===
feed anomalies fixtures/anomalies.json
key f f
dump 1-6
===
 retail > anomalies                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 timev       severity  transaction                     total reasons
>06:03:45    . normal  STORE_302_TXN_41400800014        3.50 HIGH_VELOCITY
 06:02:53    . normal  STORE_306_TXN_41400800042        3.50 HIGH_VELOCITY
 06:02:01    . normal  STORE_301_TXN_41400800070        3.50 HIGH_VELOCITY
===
dump 23-23
===
                                                       HIGH_VELOCITY  following
===
key f f Enter
dump 1-12
===
 retail > anomalies > STORE_300_TXN~  dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 member                   value
>at_ms                    2017-06-15 06:04:11.000 UTC
 transaction_id           STORE_300_TXN_41400800000
 store_id                 300
 terminal_id              T1
 total                    12.40
 reasons                  AMOUNT_OUTLIER
 severity                 normal


===

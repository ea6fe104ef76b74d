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
 timev       severity  transaction      store       total reasons
>06:04:11    . normal  TXN0031000       300         12.40 AMOUNT_OUTLIER
 06:03:58    x high    TXN0031007       301     10,250.00 AMOUNT_OUTLIER OFF_H~
 06:03:45    . normal  TXN0031014       302          3.50 HIGH_VELOCITY
 06:03:32    . normal  TXN0031021       303        881.10 OFF_HOURS
 06:03:19    . normal  TXN0031028       304         12.40 AMOUNT_OUTLIER
 06:03:06    x high    TXN0031035       305     10,250.00 AMOUNT_OUTLIER OFF_H~
 06:02:53    . normal  TXN0031042       306          3.50 HIGH_VELOCITY
 06:02:40    . normal  TXN0031049       307        881.10 OFF_HOURS
 06:02:27    . normal  TXN0031056       308         12.40 AMOUNT_OUTLIER
 06:02:14    x high    TXN0031063       300     10,250.00 AMOUNT_OUTLIER OFF_H~
 06:02:01    . normal  TXN0031070       301          3.50 HIGH_VELOCITY
 06:01:48    . normal  TXN0031077       302        881.10 OFF_HOURS
 06:01:35    . normal  TXN0031084       303         12.40 AMOUNT_OUTLIER
 06:01:22    x high    TXN0031091       304     10,250.00 AMOUNT_OUTLIER OFF_H~
 06:01:09    . normal  TXN0031098       305          3.50 HIGH_VELOCITY
 06:00:56    . normal  TXN0031105       306        881.10 OFF_HOURS
 06:00:43    . normal  TXN0031112       307         12.40 AMOUNT_OUTLIER
 06:00:30    x high    TXN0031119       308     10,250.00 AMOUNT_OUTLIER OFF_H~
 06:00:17    . normal  TXN0031126       300          3.50 HIGH_VELOCITY
                                                          following  1-19 of 60
 f reason  Space pause  Enter open  / filter  : command  ? help  q back
===
key Space
feed anomalies [{"at_ms":1497506660000,"transaction_id":"TXN_NEW","store_id":"1","terminal_id":"T1","total":1,"reasons":["OFF_HOURS"],"severity":"normal"}]
dump 1-6
===
 retail > anomalies                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 timev       severity  transaction      store       total reasons
>06:04:11    . normal  TXN0031000       300         12.40 AMOUNT_OUTLIER
 06:03:58    x high    TXN0031007       301     10,250.00 AMOUNT_OUTLIER OFF_H~
 06:03:45    . normal  TXN0031014       302          3.50 HIGH_VELOCITY
===
dump 23-23
===
                                      PAUSED, 1 new (Space goes on)  1-19 of 60
===
key Space
dump 3-5
===
 timev       severity  transaction      store       total reasons
>06:04:20    . normal  TXN_NEW          1            1.00 OFF_HOURS

===
feed anomalies fixtures/anomalies.json
key f f
dump 1-6
===
 retail > anomalies                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 timev       severity  transaction      store       total reasons
>06:03:45    . normal  TXN0031014       302          3.50 HIGH_VELOCITY
 06:02:53    . normal  TXN0031042       306          3.50 HIGH_VELOCITY
 06:02:01    . normal  TXN0031070       301          3.50 HIGH_VELOCITY
===
dump 23-23
===
                                                       HIGH_VELOCITY  following
===
key f f Enter
dump 1-12
===
 retail > anomalies > TXN0031000      dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 member                   value
>at_ms                    2017-06-15T06:04:11.000Z
 transaction_id           TXN0031000
 store_id                 300
 terminal_id              T1
 total                    12.40
 reasons                  AMOUNT_OUTLIER
 severity                 normal


===

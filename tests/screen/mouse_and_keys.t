# Every way to move; g and G; a key nobody bound does nothing.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 4
feed anomalies fixtures/anomalies.json
key G
dump 20-22
===
 05:51:50    x high    STORE_303_TXN_41400800399   10,250.00 AMOUNT_OUTLIER OF~
 05:51:37    . normal  STORE_304_TXN_41400800406        3.50 HIGH_VELOCITY
>05:51:24    . normal  STORE_305_TXN_41400800413      881.10 OFF_HOURS
===
key g
dump 3-5
===
 timev       severity  transaction                     total reasons
>06:04:11    . normal  STORE_300_TXN_41400800000       12.40 AMOUNT_OUTLIER
 06:03:58    x high    STORE_301_TXN_41400800007   10,250.00 AMOUNT_OUTLIER OF~
===
key C-d C-d
dump roles 20-22
===
             m mmmmmm
             e eeee
ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss
===
dump 20-22
===
 06:00:43    . normal  STORE_307_TXN_41400800112       12.40 AMOUNT_OUTLIER
 06:00:30    x high    STORE_308_TXN_41400800119   10,250.00 AMOUNT_OUTLIER OF~
>06:00:17    . normal  STORE_300_TXN_41400800126        3.50 HIGH_VELOCITY
===
key PgDn PgUp C-u z Left
dump 4-4
===
>06:02:14    x high    STORE_300_TXN_41400800063   10,250.00 AMOUNT_OUTLIER OF~
===
key Tab
dump 1-2
===
 retail > processes                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
===
key S-Tab S-Tab
dump 1-2
===
 retail > runs                        dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
===
# Esc goes back but never leaves; q leaves
key Esc Esc Esc
dump 1-1
===
 retail > overview                    dev   running  2017-06-15 06:04 UTC  live
===
dump 23-23
===
 q leaves the console
===
key q
sent
===
(left)
===

# Every way to move; g and G; a key nobody bound does nothing.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 4
feed anomalies fixtures/anomalies.json
key G
dump 20-22
===
 05:51:50    x high    TXN0031399       303     10,250.00 AMOUNT_OUTLIER OFF_H~
 05:51:37    . normal  TXN0031406       304          3.50 HIGH_VELOCITY
>05:51:24    . normal  TXN0031413       305        881.10 OFF_HOURS
===
key g
dump 3-5
===
 timev       severity  transaction      store       total reasons
>06:04:11    . normal  TXN0031000       300         12.40 AMOUNT_OUTLIER
 06:03:58    x high    TXN0031007       301     10,250.00 AMOUNT_OUTLIER OFF_H~
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
 06:00:43    . normal  TXN0031112       307         12.40 AMOUNT_OUTLIER
 06:00:30    x high    TXN0031119       308     10,250.00 AMOUNT_OUTLIER OFF_H~
>06:00:17    . normal  TXN0031126       300          3.50 HIGH_VELOCITY
===
key PgDn PgUp C-u z Left
dump 4-4
===
>06:02:14    x high    TXN0031063       300     10,250.00 AMOUNT_OUTLIER OFF_H~
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
